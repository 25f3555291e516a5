package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/inngestkit/inngestkit/examples/internal/database"
)

// schema is for SQLite and PostgreSQL. A mail is a row of order_mails, which another program
// sends. Its key makes it one mail, however often a step runs.
const schema = `
CREATE TABLE IF NOT EXISTS stock (
	sku TEXT PRIMARY KEY, count INTEGER NOT NULL CHECK (count >= 0), cents INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS orders (
	id TEXT PRIMARY KEY, customer TEXT NOT NULL, email TEXT NOT NULL, address TEXT NOT NULL, priority TEXT NOT NULL,
	items TEXT NOT NULL, cents INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
	payment TEXT NOT NULL DEFAULT '', fulfillment TEXT NOT NULL DEFAULT '', refunded INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS reservations (
	order_id TEXT NOT NULL, sku TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (order_id, sku)
);
CREATE TABLE IF NOT EXISTS order_mails (
	order_id TEXT NOT NULL, template TEXT NOT NULL, recipient TEXT NOT NULL, PRIMARY KEY (order_id, template)
);`

// The statuses of an order.
const (
	StatusSubmitted = "submitted"
	StatusPaying    = "paying"
	StatusPaid      = "paid"
	StatusConfirmed = "confirmed"
	StatusFailed    = "failed"
	StatusCancelled = "cancelled"
)

// Errors of a Store that another attempt does not mend.
var (
	ErrNoOrder    = errors.New("order not found")
	ErrNotInStock = errors.New("not in stock")
)

// Order is an order in the database.
type Order struct {
	ID            string         `json:"id"`
	CustomerID    string         `json:"customerId"`
	Email         string         `json:"email"`
	Address       string         `json:"address"`
	Priority      string         `json:"priority"`
	Items         map[string]int `json:"items"`
	Cents         int            `json:"cents"`
	Status        string         `json:"status"`
	Reason        string         `json:"reason,omitempty"`
	PaymentID     string         `json:"paymentId,omitempty"`
	FulfillmentID string         `json:"fulfillmentId,omitempty"`
	RefundedCents int            `json:"refundedCents,omitempty"`
}

// Store is the database of orders and of the stock. Each method that changes something can
// be repeated with the same arguments: the second time changes nothing.
type Store struct{ db *sql.DB }

// Order returns an order.
func (s *Store) Order(ctx context.Context, id string) (Order, error) { return orderFrom(ctx, s.db, id) }

// SetStock stores how many pieces of an article there are, and what one costs.
func (s *Store) SetStock(ctx context.Context, sku string, count, cents int) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO stock (sku, count, cents) VALUES ($1, $2, $3)
		ON CONFLICT (sku) DO UPDATE SET count = excluded.count, cents = excluded.cents`, sku, count, cents)
	return err
}

// Stock returns how many pieces of an article there are, 0 if it is unknown.
func (s *Store) Stock(ctx context.Context, sku string) (count int, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT coalesce(max(count), 0) FROM stock WHERE sku = $1", sku).Scan(&count)
	return count, err
}

// Accept stores a submitted order with its price, and returns it. If something is not in
// stock, it stores nothing.
func (s *Store) Accept(ctx context.Context, o Submitted) (order Order, err error) {
	err = database.Tx(ctx, s.db, func(tx *sql.Tx) error {
		order, err = orderFrom(ctx, tx, o.OrderID)
		if !errors.Is(err, ErrNoOrder) {
			return err // this is another attempt
		}
		cents, err := price(ctx, tx, o.Items)
		if err != nil {
			return err
		}
		if err := insert(ctx, tx, o, cents); err != nil {
			return err
		}
		order, err = orderFrom(ctx, tx, o.OrderID)
		return err
	})
	return order, err
}

// SetStatus stores the status of an order.
func (s *Store) SetStatus(ctx context.Context, id, status string) error {
	_, err := s.db.ExecContext(ctx, "UPDATE orders SET status = $2 WHERE id = $1", id, status)
	return err
}

// Paid stores the payment of an order.
func (s *Store) Paid(ctx context.Context, id, paymentID string) error {
	_, err := s.db.ExecContext(ctx, "UPDATE orders SET status = $2, payment = $3 WHERE id = $1", id, StatusPaid, paymentID)
	return err
}

// Refunded stores how much of an order was paid back.
func (s *Store) Refunded(ctx context.Context, id string, cents int) error {
	_, err := s.db.ExecContext(ctx, "UPDATE orders SET refunded = $2 WHERE id = $1", id, cents)
	return err
}

// Confirm ends an order well, and mails the customer.
func (s *Store) Confirm(ctx context.Context, id, fulfillmentID string) error {
	return database.Tx(ctx, s.db, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE orders SET fulfillment = $2 WHERE id = $1", id, fulfillmentID)
		if err != nil {
			return err
		}
		return end(ctx, tx, id, StatusConfirmed, "", "order-confirmation")
	})
}

// Cancel ends an order as cancelled, and mails the customer.
func (s *Store) Cancel(ctx context.Context, id, reason string) error {
	return database.Tx(ctx, s.db, func(tx *sql.Tx) error {
		return end(ctx, tx, id, StatusCancelled, reason, "order-cancelled")
	})
}

// Fail ends an order as failed, and mails the customer. An order that was never accepted is
// stored now.
func (s *Store) Fail(ctx context.Context, o Submitted, reason string) error {
	return database.Tx(ctx, s.db, func(tx *sql.Tx) error {
		if err := insert(ctx, tx, o, 0); err != nil {
			return err
		}
		return end(ctx, tx, o.OrderID, StatusFailed, reason, "order-failed")
	})
}

// Mails returns the templates of the mails about an order.
func (s *Store) Mails(ctx context.Context, id string) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT template FROM order_mails WHERE order_id = $1 ORDER BY template", id)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err has its error
	templates := []string{}
	for rows.Next() {
		var template string
		if err := rows.Scan(&template); err != nil {
			return nil, err
		}
		templates = append(templates, template)
	}
	return templates, rows.Err()
}

// insert stores an order that is not in the database yet.
func insert(ctx context.Context, tx *sql.Tx, o Submitted, cents int) error {
	items, err := json.Marshal(o.Items)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO orders (id, customer, email, address, priority, items, cents, status)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
		o.OrderID, o.CustomerID, o.Email, o.Address, o.Priority, string(items), cents, StatusSubmitted)
	return err
}

// end stores how an order has ended, together with the mail about it.
func end(ctx context.Context, tx *sql.Tx, id, status, reason, template string) error {
	_, err := tx.ExecContext(ctx, "UPDATE orders SET status = $2, reason = $3 WHERE id = $1", id, status, reason)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO order_mails (order_id, template, recipient)
		SELECT id, $2, email FROM orders WHERE id = $1 ON CONFLICT DO NOTHING`, id, template)
	return err
}

// querier is a *sql.DB or a *sql.Tx.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func orderFrom(ctx context.Context, q querier, id string) (Order, error) {
	var o Order
	var items string
	row := q.QueryRowContext(ctx, `SELECT id, customer, email, address, priority, items, cents, status, reason,
		payment, fulfillment, refunded FROM orders WHERE id = $1`, id)
	err := row.Scan(&o.ID, &o.CustomerID, &o.Email, &o.Address, &o.Priority, &items, &o.Cents, &o.Status, &o.Reason,
		&o.PaymentID, &o.FulfillmentID, &o.RefundedCents)
	if errors.Is(err, sql.ErrNoRows) {
		return Order{}, fmt.Errorf("order %s: %w", id, ErrNoOrder)
	}
	if err != nil {
		return Order{}, err
	}
	return o, json.Unmarshal([]byte(items), &o.Items)
}
