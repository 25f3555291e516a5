// Package fulfillment is the service of the warehouse.
package fulfillment

import (
	"context"
	"database/sql"
	"errors"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/examples/shipping/chassis"
	"github.com/inngestkit/inngestkit/examples/shipping/events"
)

// Service is the fulfillment service.
type Service struct {
	store *store
	// packTime is how long the warehouse may take to pack an order.
	packTime time.Duration
}

// New returns the service with its database, and the time that the warehouse has to pack an
// order.
func New(db *sql.DB, packTime time.Duration) *Service {
	return &Service{store: &store{db}, packTime: packTime}
}

// Functions returns the functions of the service.
func (s *Service) Functions() []inngestkit.Function {
	return []inngestkit.Function{inngestkit.OnEvent("create-fulfillment-order", events.OrderReady, s.fulfil)}
}

// result is what became of an order.
type result struct {
	FulfillmentID  string `json:"fulfillmentId"`
	TrackingNumber string `json:"trackingNumber,omitempty"`
	Failed         string `json:"failed,omitempty"`
}

func (s *Service) fulfil(ctx context.Context, in inngestkit.Input[events.Parcel]) (result, error) {
	parcel := in.Event.Data
	id, err := step.Run(ctx, "create-fulfillment", func(ctx context.Context) (string, error) {
		return s.store.create(ctx, parcel)
	})
	if err != nil {
		return result{}, err
	}
	packed, err := s.pack(ctx, parcel.OrderID)
	if err != nil {
		return result{}, err
	}
	if !packed {
		reason := "not packed within " + s.packTime.String()
		_, err = step.SendEvent(ctx, "notify-failed", events.FulfillmentFailed.New(events.Failure{
			OrderID: parcel.OrderID, ReservationID: parcel.ReservationID, Reason: reason,
		}))
		return result{FulfillmentID: id, Failed: reason}, err
	}
	shipment, err := step.Run(ctx, "ship-order", func(ctx context.Context) (events.Shipment, error) {
		return s.store.ship(ctx, parcel.OrderID, time.Now())
	})
	if err != nil {
		return result{}, err
	}
	_, err = step.SendEvent(ctx, "notify-shipped", events.FulfillmentShipped.New(shipment))
	return result{FulfillmentID: id, TrackingNumber: shipment.TrackingNumber}, err
}

// pack reports whether the warehouse has packed the order in time. The warehouse learns of
// the order in parallel with the wait, so its event cannot arrive before the run waits.
func (s *Service) pack(ctx context.Context, orderID string) (packed bool, err error) {
	err = step.Parallel(ctx,
		func(ctx context.Context) error {
			_, err := step.WaitForEvent(ctx, "wait-for-packed", events.WarehousePacked,
				step.Match("data.orderId"), step.Timeout(s.packTime))
			if errors.Is(err, step.ErrTimeout) {
				return nil
			}
			packed = err == nil
			return err
		},
		func(ctx context.Context) error {
			return chassis.Do(ctx, "print-pick-list", func(ctx context.Context) error { return s.store.show(ctx, orderID) })
		})
	return packed, err
}
