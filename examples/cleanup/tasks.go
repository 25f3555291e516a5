package main

import (
	"context"
	"database/sql"
	"time"
)

// A task deletes rows, at most limit of them, and returns how many it has deleted.
type task struct {
	name string
	run  func(ctx context.Context, tx *sql.Tx, now time.Time, limit int) (int, error)
}

// tasks are what a daily cleanup does, in this order.
var tasks = []task{
	{"cleanup-expired-sessions", expiredSessions},
	{"archive-old-audit-logs", oldLogs},
	{"cleanup-orphaned-cart-items", orphans("cart_items")},
	{"cleanup-orphaned-coupons", orphans("coupons")},
}

func expiredSessions(ctx context.Context, tx *sql.Tx, now time.Time, limit int) (int, error) {
	return changes(tx.ExecContext(ctx, `DELETE FROM sessions WHERE id IN (
		SELECT id FROM sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, now.UnixMilli(), limit))
}

// oldLogs moves logs that are older than six months to the archive.
func oldLogs(ctx context.Context, tx *sql.Tx, now time.Time, limit int) (int, error) {
	before := now.AddDate(0, -6, 0).UnixMilli()
	_, err := tx.ExecContext(ctx, `INSERT INTO archived_logs (id, at, text)
		SELECT id, at, text FROM audit_logs WHERE at < $1 ORDER BY at LIMIT $2 ON CONFLICT DO NOTHING`, before, limit)
	if err != nil {
		return 0, err
	}
	return changes(tx.ExecContext(ctx, `DELETE FROM audit_logs
		WHERE at < $1 AND EXISTS (SELECT 1 FROM archived_logs a WHERE a.id = audit_logs.id)`, before))
}

// orphans returns a task that deletes the rows of a table whose cart is gone.
func orphans(table string) func(ctx context.Context, tx *sql.Tx, now time.Time, limit int) (int, error) {
	statement := "DELETE FROM " + table + " WHERE id IN (SELECT o.id FROM " + table + ` o
		WHERE NOT EXISTS (SELECT 1 FROM carts WHERE carts.id = o.cart_id) ORDER BY o.id LIMIT $1)`
	return func(ctx context.Context, tx *sql.Tx, _ time.Time, limit int) (int, error) {
		return changes(tx.ExecContext(ctx, statement, limit))
	}
}

// changes returns how many rows a statement has changed.
func changes(result sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}
