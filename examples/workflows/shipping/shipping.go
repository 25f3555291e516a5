// Package shipping has four services that know each other only by events: orders, the
// inventory, fulfilment and notifications. Each can be an app of its own.
package shipping

import (
	"context"
	"errors"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// The events between the services.
var (
	PaymentCompleted   = inngestkit.DefineEvent[Payment]("payment.completed")
	ReserveRequested   = inngestkit.DefineEvent[Items]("inventory.reserve-requested")
	InventoryReserved  = inngestkit.DefineEvent[Reservation]("inventory.reserved")
	ReadyForWarehouse  = inngestkit.DefineEvent[Reservation]("fulfillment.order-ready")
	WarehousePacked    = inngestkit.DefineEvent[Packed]("warehouse.packed")
	FulfillmentShipped = inngestkit.DefineEvent[Shipment]("fulfillment.shipped")
	ShippingConfirmed  = inngestkit.DefineEvent[Shipment]("notification.shipping-confirmation")
)

// Payment is the data of the event that starts everything.
type Payment struct {
	OrderID   string   `json:"orderId"`
	PaymentID string   `json:"paymentId"`
	Items     []string `json:"items"`
}

// Items are the items of an order.
type Items struct {
	OrderID string   `json:"orderId"`
	Items   []string `json:"items"`
}

// Reservation reserves the items of an order.
type Reservation struct {
	OrderID       string `json:"orderId"`
	ReservationID string `json:"reservationId"`
}

// Packed is the data of the event that the warehouse sends.
type Packed struct {
	FulfillmentID string `json:"fulfillmentId"`
}

// Shipment is a parcel on its way.
type Shipment struct {
	OrderID        string    `json:"orderId"`
	TrackingNumber string    `json:"trackingNumber"`
	ShippedAt      time.Time `json:"shippedAt"`
}

// Orders is the order service.
type Orders struct {
	SetStatus func(ctx context.Context, orderID, status, detail string) error
}

// Functions returns the functions of the order service.
func (o *Orders) Functions() []inngestkit.Function {
	return []inngestkit.Function{
		inngestkit.OnEvent("handle-payment-completed", PaymentCompleted,
			func(ctx context.Context, in inngestkit.Input[Payment]) (any, error) {
				paid := in.Event.Data
				return o.update(ctx, paid.OrderID, "paid", paid.PaymentID, ReserveRequested.New(Items{paid.OrderID, paid.Items}))
			}),
		inngestkit.OnEvent("handle-inventory-reserved", InventoryReserved,
			func(ctx context.Context, in inngestkit.Input[Reservation]) (any, error) {
				reserved := in.Event.Data
				return o.update(ctx, reserved.OrderID, "reserved", reserved.ReservationID, ReadyForWarehouse.New(reserved))
			}),
		inngestkit.OnEvent("handle-fulfillment-shipped", FulfillmentShipped,
			func(ctx context.Context, in inngestkit.Input[Shipment]) (any, error) {
				shipped := in.Event.Data
				return o.update(ctx, shipped.OrderID, "shipped", shipped.TrackingNumber, ShippingConfirmed.New(shipped))
			}),
	}
}

// update stores the new status of an order and sends the event that continues it.
func (o *Orders) update(ctx context.Context, orderID, status, detail string, next inngestkit.AnyEvent) (any, error) {
	_, err := step.Run(ctx, "update-order-status", func(ctx context.Context) (any, error) {
		return nil, o.SetStatus(ctx, orderID, status, detail)
	})
	if err != nil {
		return nil, err
	}
	return step.SendEvent(ctx, "continue", next)
}

// Inventory is the inventory service.
type Inventory struct {
	Reserve func(ctx context.Context, orderID string, items []string) (reservationID string, err error)
}

// Functions returns the functions of the inventory service.
func (i *Inventory) Functions() []inngestkit.Function {
	return []inngestkit.Function{inngestkit.OnEvent("reserve-inventory", ReserveRequested, i.reserve)}
}

func (i *Inventory) reserve(ctx context.Context, in inngestkit.Input[Items]) (Reservation, error) {
	order := in.Event.Data
	reservation, err := step.Run(ctx, "check-and-reserve", func(ctx context.Context) (Reservation, error) {
		id, err := i.Reserve(ctx, order.OrderID, order.Items)
		return Reservation{order.OrderID, id}, err
	})
	if err != nil {
		return Reservation{}, err
	}
	_, err = step.SendEvent(ctx, "confirm-reservation", InventoryReserved.New(reservation))
	return reservation, err
}

// Fulfillment is the fulfilment service.
type Fulfillment struct {
	Create func(ctx context.Context, orderID string) (fulfillmentID string, err error)
	Ship   func(ctx context.Context, fulfillmentID string) (trackingNumber string, at time.Time, err error)
}

// Functions returns the functions of the fulfilment service.
func (f *Fulfillment) Functions() []inngestkit.Function {
	return []inngestkit.Function{inngestkit.OnEvent("create-fulfillment-order", ReadyForWarehouse, f.fulfil)}
}

// ErrNotPacked is the error of an order that the warehouse has not packed within a day.
var ErrNotPacked = errors.New("the warehouse has not packed the order within 24 hours")

func (f *Fulfillment) fulfil(ctx context.Context, in inngestkit.Input[Reservation]) (Shipment, error) {
	orderID := in.Event.Data.OrderID
	fulfillment, err := step.Run(ctx, "create-fulfillment", func(ctx context.Context) (string, error) {
		return f.Create(ctx, orderID)
	})
	if err != nil {
		return Shipment{}, err
	}
	_, err = step.WaitForEvent(ctx, "wait-for-packed", WarehousePacked,
		step.If(`async.data.fulfillmentId == "`+fulfillment+`"`), step.Timeout(24*time.Hour))
	if errors.Is(err, step.ErrTimeout) {
		return Shipment{}, inngestkit.NoRetry(ErrNotPacked)
	}
	if err != nil {
		return Shipment{}, err
	}
	shipment, err := step.Run(ctx, "ship-order", func(ctx context.Context) (Shipment, error) {
		number, at, err := f.Ship(ctx, fulfillment)
		return Shipment{orderID, number, at}, err
	})
	if err != nil {
		return Shipment{}, err
	}
	_, err = step.SendEvent(ctx, "notify-shipped", FulfillmentShipped.New(shipment))
	return shipment, err
}

// Notifications is the notification service.
type Notifications struct {
	Mail func(ctx context.Context, s Shipment) error
	// SMS reports whether the customer wants text messages.
	SMS func(ctx context.Context, s Shipment) (sent bool, err error)
}

// Functions returns the functions of the notification service.
func (n *Notifications) Functions() []inngestkit.Function {
	return []inngestkit.Function{inngestkit.OnEvent("send-shipping-confirmation", ShippingConfirmed, n.confirm,
		flow.Throttle(100, time.Hour))}
}

// Sent is the output of send-shipping-confirmation.
type Sent struct {
	Mail bool `json:"mail"`
	SMS  bool `json:"sms"`
}

// confirm sends a mail and a text message at the same time.
func (n *Notifications) confirm(ctx context.Context, in inngestkit.Input[Shipment]) (Sent, error) {
	var sent Sent
	err := step.Parallel(ctx,
		step.Into(&sent.Mail, "send-email", func(ctx context.Context) (bool, error) {
			err := n.Mail(ctx, in.Event.Data)
			return err == nil, err
		}),
		step.Into(&sent.SMS, "send-sms", func(ctx context.Context) (bool, error) {
			return n.SMS(ctx, in.Event.Data)
		}))
	return sent, err
}
