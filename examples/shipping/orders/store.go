package orders

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/examples/internal/database"
	"github.com/inngestkit/inngestkit/examples/shipping/events"
)

// Schema is for SQLite and PostgreSQL. An order has each status once.
const Schema = `
CREATE TABLE IF NOT EXISTS shipping_orders (id TEXT PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS shipping_order_statuses (
	order_id TEXT NOT NULL, status TEXT NOT NULL, detail TEXT NOT NULL, number INTEGER NOT NULL,
	PRIMARY KEY (order_id, status)
);`

// errNoOrder is the error for an unknown order, which another attempt does not mend.
var errNoOrder = errors.New("order not found")

// Order is an order in the database.
type Order struct {
	ID       string          `json:"id"`
	Customer events.Customer `json:"customer"`
	Address  string          `json:"address"`
	Items    map[string]int  `json:"items"`
}

type store struct{ db *sql.DB }

// insert stores a new order.
func (s *store) insert(ctx context.Context, order Order) error {
	data, err := json.Marshal(order)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, "INSERT INTO shipping_orders (id, data) VALUES ($1, $2) ON CONFLICT DO NOTHING",
		order.ID, string(data))
	return err
}

// update gives an order a status, and returns the order. The second time changes nothing.
func (s *store) update(ctx context.Context, orderID, status, detail string) (order Order, err error) {
	err = database.Tx(ctx, s.db, func(tx *sql.Tx) error {
		var data string
		err := tx.QueryRowContext(ctx, "SELECT data FROM shipping_orders WHERE id = $1", orderID).Scan(&data)
		if errors.Is(err, sql.ErrNoRows) {
			return inngestkit.NoRetry(fmt.Errorf("order %s: %w", orderID, errNoOrder))
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO shipping_order_statuses (order_id, status, detail, number)
			SELECT $1, $2, $3, count(*) + 1 FROM shipping_order_statuses WHERE order_id = $1 ON CONFLICT DO NOTHING`,
			orderID, status, detail)
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(data), &order)
	})
	return order, err
}

// statuses returns the statuses that an order has had, with their details.
func (s *store) statuses(ctx context.Context, orderID string) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT status, detail FROM shipping_order_statuses
		WHERE order_id = $1 ORDER BY number`, orderID)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err has its error
	statuses := []string{}
	for rows.Next() {
		var status, detail string
		if err := rows.Scan(&status, &detail); err != nil {
			return nil, err
		}
		statuses = append(statuses, status+": "+detail)
	}
	return statuses, rows.Err()
}
