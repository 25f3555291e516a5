// Package inventory is the service that knows what is in stock.
package inventory

import (
	"context"
	"database/sql"
	"errors"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/examples/shipping/chassis"
	"github.com/inngestkit/inngestkit/examples/shipping/events"
)

// Service is the inventory service.
type Service struct{ store *store }

// New returns the service with its database.
func New(db *sql.DB) *Service { return &Service{store: &store{db}} }

// Functions returns the functions of the service.
func (s *Service) Functions() []inngestkit.Function {
	return []inngestkit.Function{
		inngestkit.OnEvent("reserve-inventory", events.ReserveRequested, s.reserve),
		inngestkit.OnEvent("release-inventory", events.ReleaseRequested, s.release),
	}
}

// outcome is what became of a reservation: an ID, or a reason.
type outcome struct {
	ReservationID string `json:"reservationId,omitempty"`
	Rejected      string `json:"rejected,omitempty"`
}

// reserve reserves the items of an order. That something is not in stock is not a failure of
// the run: the order service gets an event and decides.
func (s *Service) reserve(ctx context.Context, in inngestkit.Input[events.Items]) (outcome, error) {
	order := in.Event.Data
	reserved, err := step.Run(ctx, "check-and-reserve", func(ctx context.Context) (outcome, error) {
		id, err := s.store.reserve(ctx, order.OrderID, order.Items)
		if errors.Is(err, errNotInStock) {
			return outcome{Rejected: err.Error()}, nil
		}
		return outcome{ReservationID: id}, err
	})
	if err != nil {
		return outcome{}, err
	}
	if reserved.Rejected != "" {
		_, err = step.SendEvent(ctx, "reject-reservation",
			events.InventoryRejected.New(events.Rejection{OrderID: order.OrderID, Reason: reserved.Rejected}))
		return reserved, err
	}
	_, err = step.SendEvent(ctx, "confirm-reservation",
		events.InventoryReserved.New(events.Reservation{OrderID: order.OrderID, ReservationID: reserved.ReservationID}))
	return reserved, err
}

// release puts the items of an order back into stock.
func (s *Service) release(ctx context.Context, in inngestkit.Input[events.Reservation]) (events.Reservation, error) {
	reservation := in.Event.Data
	err := chassis.Do(ctx, "release-reservation", func(ctx context.Context) error {
		return s.store.release(ctx, reservation.OrderID)
	})
	if err != nil {
		return events.Reservation{}, err
	}
	_, err = step.SendEvent(ctx, "confirm-release", events.InventoryReleased.New(reservation))
	return reservation, err
}
