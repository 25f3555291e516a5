package main

import inngestkit "github.com/inngestkit/inngestkit/core"

// The events of this application. The last three are for other services.
var (
	orderSubmitted    = inngestkit.DefineEvent[Submitted]("order.submitted")
	orderCancelled    = inngestkit.DefineEvent[Cancelled]("order.cancelled")
	orderCompleted    = inngestkit.DefineEvent[Completed]("analytics.order-completed")
	orderReady        = inngestkit.DefineEvent[Ready]("fulfillment.order-ready")
	purchaseCompleted = inngestkit.DefineEvent[Purchase]("customer.purchase-completed")
)

// Submitted is the data of the event that starts an order.
type Submitted struct {
	OrderID    string `json:"orderId"`
	CustomerID string `json:"customerId"`
	Email      string `json:"email"`
	Address    string `json:"address"`
	Priority   string `json:"priority"`
	// Items is how many pieces of each article are ordered.
	Items map[string]int `json:"items"`
	// PaymentToken is what the bank has given the browser for the card. Events are
	// stored, so they must not contain the card itself.
	PaymentToken string `json:"paymentToken"`
}

// Cancelled is the data of the event with which a customer cancels an order.
type Cancelled struct {
	OrderID string `json:"orderId"`
	Reason  string `json:"reason"`
}

// Completed is the data of the event for the statistics.
type Completed struct {
	OrderID    string `json:"orderId"`
	CustomerID string `json:"customerId"`
	Cents      int    `json:"cents"`
}

// Ready is the data of the event for the warehouse.
type Ready struct {
	OrderID       string `json:"orderId"`
	FulfillmentID string `json:"fulfillmentId"`
	Priority      string `json:"priority"`
}

// Purchase is the data of the event for the customer's account.
type Purchase struct {
	CustomerID string `json:"customerId"`
	OrderID    string `json:"orderId"`
	Cents      int    `json:"cents"`
	Items      int    `json:"items"`
}
