package fulfillment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/inngestkit/inngestkit/examples/shipping/events"
)

// Schema is for SQLite and PostgreSQL. Times are milliseconds since 1970, 0 for never.
const Schema = `
CREATE TABLE IF NOT EXISTS shipping_fulfillments (
	order_id TEXT PRIMARY KEY, address TEXT NOT NULL, printed INTEGER NOT NULL DEFAULT 0, shipped_at BIGINT NOT NULL DEFAULT 0
);`

type store struct{ db *sql.DB }

// create stores what is to be packed, and returns the ID of the fulfillment. The second time
// changes nothing.
func (s *store) create(ctx context.Context, parcel events.Parcel) (fulfillmentID string, err error) {
	_, err = s.db.ExecContext(ctx, `INSERT INTO shipping_fulfillments (order_id, address) VALUES ($1, $2)
		ON CONFLICT DO NOTHING`, parcel.OrderID, parcel.Address)
	return fulfillmentOf(parcel.OrderID), err
}

func fulfillmentOf(orderID string) string { return "fulfillment-" + orderID }

// show shows an order to the warehouse.
func (s *store) show(ctx context.Context, orderID string) error {
	_, err := s.db.ExecContext(ctx, "UPDATE shipping_fulfillments SET printed = 1 WHERE order_id = $1", orderID)
	return err
}

// pickList reports whether the warehouse can see an order.
func (s *store) pickList(ctx context.Context, orderID string) (printed bool, err error) {
	var n int
	err = s.db.QueryRowContext(ctx, "SELECT printed FROM shipping_fulfillments WHERE order_id = $1", orderID).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return n == 1, err
}

// ship gives the parcel to the carrier. The second time returns the first shipment.
func (s *store) ship(ctx context.Context, orderID string, now time.Time) (events.Shipment, error) {
	_, err := s.db.ExecContext(ctx, "UPDATE shipping_fulfillments SET shipped_at = $2 WHERE order_id = $1 AND shipped_at = 0",
		orderID, now.UnixMilli())
	if err != nil {
		return events.Shipment{}, err
	}
	var shippedAt int64
	err = s.db.QueryRowContext(ctx, "SELECT shipped_at FROM shipping_fulfillments WHERE order_id = $1", orderID).Scan(&shippedAt)
	if err != nil {
		return events.Shipment{}, fmt.Errorf("fulfillment of %s: %w", orderID, err)
	}
	return events.Shipment{
		OrderID: orderID, FulfillmentID: fulfillmentOf(orderID), TrackingNumber: "1Z-" + orderID, Carrier: "parcel post",
		ShippedAt: time.UnixMilli(shippedAt).UTC(),
	}, nil
}
