// Package orders is the service that knows how far each order is. It never calls another
// service: an event comes in, the order gets a status, and the next event goes out.
package orders

import (
	"context"
	"database/sql"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/examples/shipping/events"
)

// Service is the order service.
type Service struct{ store *store }

// New returns the service with its database.
func New(db *sql.DB) *Service { return &Service{store: &store{db}} }

// Functions returns the functions of the service.
func (s *Service) Functions() []inngestkit.Function {
	return []inngestkit.Function{
		inngestkit.OnEvent("handle-payment-completed", events.PaymentCompleted, s.paid),
		inngestkit.OnEvent("handle-inventory-reserved", events.InventoryReserved, s.reserved),
		inngestkit.OnEvent("handle-inventory-rejected", events.InventoryRejected, s.rejected),
		inngestkit.OnEvent("handle-fulfillment-shipped", events.FulfillmentShipped, s.shipped),
		inngestkit.OnEvent("handle-fulfillment-failed", events.FulfillmentFailed, s.failed),
		inngestkit.OnEvent("handle-inventory-released", events.InventoryReleased, s.released),
	}
}

func (s *Service) paid(ctx context.Context, in inngestkit.Input[events.Payment]) (Order, error) {
	paid := in.Event.Data
	order, err := s.update(ctx, "update-order-payment-status", paid.OrderID, "paid", paid.PaymentID)
	if err != nil {
		return Order{}, err
	}
	_, err = step.SendEvent(ctx, "request-inventory-reservation",
		events.ReserveRequested.New(events.Items{OrderID: order.ID, Items: order.Items}))
	return order, err
}

func (s *Service) reserved(ctx context.Context, in inngestkit.Input[events.Reservation]) (Order, error) {
	reserved := in.Event.Data
	order, err := s.update(ctx, "update-order-inventory-status", reserved.OrderID, "reserved", reserved.ReservationID)
	if err != nil {
		return Order{}, err
	}
	_, err = step.SendEvent(ctx, "request-fulfillment", events.OrderReady.New(events.Parcel{
		OrderID: order.ID, ReservationID: reserved.ReservationID, Address: order.Address, Items: order.Items,
	}))
	return order, err
}

func (s *Service) shipped(ctx context.Context, in inngestkit.Input[events.Shipment]) (Order, error) {
	shipped := in.Event.Data
	order, err := s.update(ctx, "update-order-shipping-status", shipped.OrderID, "shipped", shipped.TrackingNumber)
	if err != nil {
		return Order{}, err
	}
	_, err = step.SendEvent(ctx, "send-shipping-notification", events.ShippingConfirmed.New(events.Confirmation{
		Shipment: shipped, Customer: order.Customer, Items: order.Items,
	}))
	return order, err
}

// rejected ends an order whose items are not in stock.
func (s *Service) rejected(ctx context.Context, in inngestkit.Input[events.Rejection]) (Order, error) {
	return s.update(ctx, "update-order-inventory-status", in.Event.Data.OrderID, "rejected", in.Event.Data.Reason)
}

// failed asks for the release of the items that are not shipped.
func (s *Service) failed(ctx context.Context, in inngestkit.Input[events.Failure]) (Order, error) {
	failed := in.Event.Data
	order, err := s.update(ctx, "update-order-shipping-status", failed.OrderID, "not shipped", failed.Reason)
	if err != nil {
		return Order{}, err
	}
	_, err = step.SendEvent(ctx, "request-inventory-release", events.ReleaseRequested.New(events.Reservation{
		OrderID: order.ID, ReservationID: failed.ReservationID,
	}))
	return order, err
}

func (s *Service) released(ctx context.Context, in inngestkit.Input[events.Reservation]) (Order, error) {
	return s.update(ctx, "update-order-inventory-status", in.Event.Data.OrderID, "released", in.Event.Data.ReservationID)
}

// update gives an order a status in a step, and returns the order.
func (s *Service) update(ctx context.Context, stepID, orderID, status, detail string) (Order, error) {
	return step.Run(ctx, stepID, func(ctx context.Context) (Order, error) {
		return s.store.update(ctx, orderID, status, detail)
	})
}
