package notifications

import (
	"context"
	"database/sql"
)

// Schema is for SQLite and PostgreSQL. A notification is a row, which another program sends.
// Its key makes it one notification, however often a step runs.
const Schema = `
CREATE TABLE IF NOT EXISTS shipping_notifications (
	order_id TEXT NOT NULL, kind TEXT NOT NULL, recipient TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (order_id, kind)
);`

type store struct{ db *sql.DB }

// insert stores a notification. The second time changes nothing.
func (s *store) insert(ctx context.Context, orderID, kind, recipient, text string) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO shipping_notifications (order_id, kind, recipient, text)
		VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, orderID, kind, recipient, text)
	return err
}

// list returns the notifications about an order.
func (s *store) list(ctx context.Context, orderID string) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT kind, recipient FROM shipping_notifications
		WHERE order_id = $1 ORDER BY kind`, orderID)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err has its error
	list := []string{}
	for rows.Next() {
		var kind, recipient string
		if err := rows.Scan(&kind, &recipient); err != nil {
			return nil, err
		}
		list = append(list, kind+" to "+recipient)
	}
	return list, rows.Err()
}
