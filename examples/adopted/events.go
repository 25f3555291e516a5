package main

import inngestkit "github.com/inngestkit/inngestkit/core"

// The events of the shop.
var (
	orderPlaced    = inngestkit.DefineEvent[Order]("shop/order.placed")
	orderFulfilled = inngestkit.DefineEvent[Order]("shop/order.fulfilled")
)

// Order is an order of a customer.
type Order struct {
	OrderID string `json:"orderId"`
	Cents   int    `json:"cents"`
}

// Receipt is the output of format-receipt.
type Receipt struct {
	Text string `json:"text"`
}
