package inventory

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/inngestkit/inngestkit/examples/internal/database"
)

// Schema is for SQLite and PostgreSQL.
const Schema = `
CREATE TABLE IF NOT EXISTS shipping_stock (sku TEXT PRIMARY KEY, count INTEGER NOT NULL CHECK (count >= 0));
CREATE TABLE IF NOT EXISTS shipping_reservations (
	order_id TEXT NOT NULL, sku TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (order_id, sku)
);`

var errNotInStock = errors.New("not in stock")

type store struct{ db *sql.DB }

// set stores how many pieces of an article there are.
func (s *store) set(ctx context.Context, sku string, count int) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO shipping_stock (sku, count) VALUES ($1, $2)
		ON CONFLICT (sku) DO UPDATE SET count = excluded.count`, sku, count)
	return err
}

// count returns how many pieces of an article there are, 0 if it is unknown.
func (s *store) count(ctx context.Context, sku string) (count int, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT coalesce(max(count), 0) FROM shipping_stock WHERE sku = $1", sku).Scan(&count)
	return count, err
}

// reserve takes items out of stock, all or none, and returns the ID of the reservation. The
// second time changes nothing.
func (s *store) reserve(ctx context.Context, orderID string, items map[string]int) (reservationID string, err error) {
	return "reservation-" + orderID, database.Tx(ctx, s.db, func(tx *sql.Tx) error {
		// All transactions lock articles in the same order, so none waits for another forever.
		for _, sku := range slices.Sorted(maps.Keys(items)) {
			changed, err := changes(tx.ExecContext(ctx, `INSERT INTO shipping_reservations (order_id, sku, count)
				VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, orderID, sku, items[sku]))
			if err != nil {
				return err
			}
			if changed == 0 {
				continue // it is reserved already
			}
			changed, err = changes(tx.ExecContext(ctx, `UPDATE shipping_stock SET count = count - $2
				WHERE sku = $1 AND count >= $2`, sku, items[sku]))
			if err != nil {
				return err
			}
			if changed == 0 {
				return fmt.Errorf("%d of %s: %w", items[sku], sku, errNotInStock)
			}
		}
		return nil
	})
}

// release puts the items of an order back into stock. The second time changes nothing.
func (s *store) release(ctx context.Context, orderID string) error {
	return database.Tx(ctx, s.db, func(tx *sql.Tx) error {
		for {
			// The row is deleted first: of two that release the same order, one finds it.
			var sku string
			var count int
			err := tx.QueryRowContext(ctx, `DELETE FROM shipping_reservations WHERE order_id = $1 AND sku = (
				SELECT min(sku) FROM shipping_reservations WHERE order_id = $1) RETURNING sku, count`, orderID).Scan(&sku, &count)
			if errors.Is(err, sql.ErrNoRows) {
				return nil
			}
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, "UPDATE shipping_stock SET count = count + $2 WHERE sku = $1", sku, count)
			if err != nil {
				return err
			}
		}
	})
}

// changes returns how many rows a statement has changed.
func changes(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
