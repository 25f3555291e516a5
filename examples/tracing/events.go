package main

import inngestkit "github.com/inngestkit/inngestkit/core"

// The events between the services. The trace goes along in their data, in a field
// that these types need not know.
var (
	orderPlaced = inngestkit.DefineEvent[Order]("order.placed")
	orderPaid   = inngestkit.DefineEvent[Order]("order.paid")
)

// Order is the data of both events.
type Order struct {
	ID    string `json:"id"`
	Item  string `json:"item"`
	Cents int    `json:"cents"`
}
