// Package events has the events between the services. It is all that they share about each
// other.
package events

import (
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// The events, by the service that handles them.
var (
	// Orders.
	PaymentCompleted   = inngestkit.DefineEvent[Payment]("payment.completed")
	InventoryReserved  = inngestkit.DefineEvent[Reservation]("inventory.reserved")
	InventoryRejected  = inngestkit.DefineEvent[Rejection]("inventory.rejected")
	InventoryReleased  = inngestkit.DefineEvent[Reservation]("inventory.released")
	FulfillmentShipped = inngestkit.DefineEvent[Shipment]("fulfillment.shipped")
	FulfillmentFailed  = inngestkit.DefineEvent[Failure]("fulfillment.failed")

	// Inventory.
	ReserveRequested = inngestkit.DefineEvent[Items]("inventory.reserve-requested")
	ReleaseRequested = inngestkit.DefineEvent[Reservation]("inventory.release-requested")

	// Fulfillment.
	OrderReady      = inngestkit.DefineEvent[Parcel]("fulfillment.order-ready")
	WarehousePacked = inngestkit.DefineEvent[Packed]("warehouse.packed")

	// Notifications.
	ShippingConfirmed = inngestkit.DefineEvent[Confirmation]("notification.shipping-confirmation")
)

// Payment is the payment of an order.
type Payment struct {
	OrderID   string `json:"orderId"`
	PaymentID string `json:"paymentId"`
	Cents     int    `json:"cents"`
}

// Items are how many pieces of each article an order has.
type Items struct {
	OrderID string         `json:"orderId"`
	Items   map[string]int `json:"items"`
}

// Reservation is the reservation of the items of an order.
type Reservation struct {
	OrderID       string `json:"orderId"`
	ReservationID string `json:"reservationId"`
}

// Rejection says why the items of an order cannot be reserved.
type Rejection struct {
	OrderID string `json:"orderId"`
	Reason  string `json:"reason"`
}

// Parcel is what the warehouse has to pack.
type Parcel struct {
	OrderID       string         `json:"orderId"`
	ReservationID string         `json:"reservationId"`
	Address       string         `json:"address"`
	Items         map[string]int `json:"items"`
}

// Packed says that the warehouse has packed an order.
type Packed struct {
	OrderID string `json:"orderId"`
}

// Shipment is a parcel on its way.
type Shipment struct {
	OrderID        string    `json:"orderId"`
	FulfillmentID  string    `json:"fulfillmentId"`
	TrackingNumber string    `json:"trackingNumber"`
	Carrier        string    `json:"carrier"`
	ShippedAt      time.Time `json:"shippedAt"`
}

// Failure says why an order is not shipped.
type Failure struct {
	OrderID       string `json:"orderId"`
	ReservationID string `json:"reservationId"`
	Reason        string `json:"reason"`
}

// Customer is how to reach a customer.
type Customer struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	// Phone is empty for customers who want no text messages.
	Phone string `json:"phone"`
}

// Confirmation is what a customer learns about a shipment.
type Confirmation struct {
	Shipment

	Customer Customer       `json:"customer"`
	Items    map[string]int `json:"items"`
}
