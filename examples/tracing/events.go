package main

import inngestkit "github.com/inngestkit/inngestkit/core"

// The events between the services. Their data carries the trace, in a field that
// these types need not declare.
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
