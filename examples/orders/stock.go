package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/inngestkit/inngestkit/examples/internal/database"
)

// Reserve takes the goods of an order out of stock. The reservation and the stock change in
// one transaction, so an attempt that is repeated takes nothing twice.
func (s *Store) Reserve(ctx context.Context, orderID string) error {
	return database.Tx(ctx, s.db, func(tx *sql.Tx) error {
		order, err := orderFrom(ctx, tx, orderID)
		if err != nil {
			return err
		}
		// All transactions lock articles in the same order, so none waits for another forever.
		for _, sku := range slices.Sorted(maps.Keys(order.Items)) {
			if err := reserve(ctx, tx, orderID, sku, order.Items[sku]); err != nil {
				return err
			}
		}
		return nil
	})
}

func reserve(ctx context.Context, tx *sql.Tx, orderID, sku string, count int) error {
	changed, err := changes(tx.ExecContext(ctx, `INSERT INTO reservations (order_id, sku, count) VALUES ($1, $2, $3)
		ON CONFLICT DO NOTHING`, orderID, sku, count))
	if err != nil || changed == 0 {
		return err // it is reserved already
	}
	changed, err = changes(tx.ExecContext(ctx, "UPDATE stock SET count = count - $2 WHERE sku = $1 AND count >= $2", sku, count))
	if err == nil && changed == 0 {
		return fmt.Errorf("%d of %s: %w", count, sku, ErrNotInStock)
	}
	return err
}

// Release puts the goods of an order back into stock, if they are reserved.
func (s *Store) Release(ctx context.Context, orderID string) error {
	return database.Tx(ctx, s.db, func(tx *sql.Tx) error {
		order, err := orderFrom(ctx, tx, orderID)
		if errors.Is(err, ErrNoOrder) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, sku := range slices.Sorted(maps.Keys(order.Items)) {
			// The row is deleted first: of two that release the same order, one finds it.
			var count int
			err := tx.QueryRowContext(ctx, "DELETE FROM reservations WHERE order_id = $1 AND sku = $2 RETURNING count",
				orderID, sku).Scan(&count)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "UPDATE stock SET count = count + $2 WHERE sku = $1", sku, count); err != nil {
				return err
			}
		}
		return nil
	})
}

// price returns what items cost, if all are in stock.
func price(ctx context.Context, tx *sql.Tx, items map[string]int) (cents int, err error) {
	for _, sku := range slices.Sorted(maps.Keys(items)) {
		var count, each int
		err := tx.QueryRowContext(ctx, "SELECT count, cents FROM stock WHERE sku = $1", sku).Scan(&count, &each)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return 0, err
		}
		if count < items[sku] {
			return 0, fmt.Errorf("%d of %s: %w", items[sku], sku, ErrNotInStock)
		}
		cents += items[sku] * each
	}
	return cents, nil
}

// changes returns how many rows a statement has changed.
func changes(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
