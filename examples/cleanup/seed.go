package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"time"

	"github.com/inngestkit/inngestkit/examples/internal/database"
)

// What seed makes that can be cleaned, besides as many of each that must stay.
const (
	seedSessions = 250
	seedLogs     = 120
	seedOrphans  = 30
	seedBackups  = 4
	seedFiles    = 60 // and one that must stay
)

// seed fills the database and the directory of temporary files. One of the files cannot be
// deleted. Your application does not need it.
func seed(ctx context.Context, s *Store, files *os.Root, now time.Time) error {
	prefix := rand.Text()[:6] + "-"
	hourAgo, inAnHour := now.Add(-time.Hour).UnixMilli(), now.Add(time.Hour).UnixMilli()
	longAgo := now.AddDate(0, -7, 0).UnixMilli()
	err := database.Tx(ctx, s.db, func(tx *sql.Tx) error {
		for _, rows := range []struct {
			n         int
			statement string
			values    []any // after the ID
		}{
			{seedSessions, "INSERT INTO sessions (id, expires_at) VALUES ($1, $2)", []any{hourAgo}},
			{seedSessions, "INSERT INTO sessions (id, expires_at) VALUES ($1, $2)", []any{inAnHour}},
			{seedLogs, "INSERT INTO audit_logs (id, at, text) VALUES ($1, $2, $3)", []any{longAgo, "signed in"}},
			{seedLogs, "INSERT INTO audit_logs (id, at, text) VALUES ($1, $2, $3)", []any{hourAgo, "signed in"}},
			{seedBackups, "INSERT INTO backups (name, made_at) VALUES ($1, $2)", []any{longAgo}},
			{seedBackups, "INSERT INTO backups (name, made_at) VALUES ($1, $2)", []any{hourAgo}},
			{seedOrphans, "INSERT INTO cart_items (id, cart_id) VALUES ($1, $2)", []any{"gone"}},
			{seedOrphans, "INSERT INTO cart_items (id, cart_id) VALUES ($1, $2)", []any{prefix + "cart"}},
			{seedOrphans, "INSERT INTO coupons (id, cart_id) VALUES ($1, $2)", []any{"gone"}},
			{seedOrphans, "INSERT INTO coupons (id, cart_id) VALUES ($1, $2)", []any{prefix + "cart"}},
		} {
			for range rows.n {
				values := append([]any{prefix + rand.Text()}, rows.values...)
				if _, err := tx.ExecContext(ctx, rows.statement, values...); err != nil {
					return fmt.Errorf("%s: %w", rows.statement, err)
				}
			}
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO carts (id) VALUES ($1)", prefix+"cart")
		return err
	})
	if err != nil {
		return err
	}
	for i := range seedFiles {
		if err := seedFile(ctx, s, files, fmt.Sprintf("%s%03d.tmp", prefix, i), hourAgo, i == 0); err != nil {
			return err
		}
	}
	return seedFile(ctx, s, files, prefix+"new.tmp", inAnHour, false)
}

// seedFile makes a temporary file. What cannot be deleted is a directory that is not empty.
func seedFile(ctx context.Context, s *Store, files *os.Root, path string, expiresAt int64, stuck bool) error {
	_, err := s.db.ExecContext(ctx, "INSERT INTO temporary_files (path, expires_at) VALUES ($1, $2)", path, expiresAt)
	if err != nil {
		return err
	}
	if !stuck {
		return files.WriteFile(path, nil, 0o600)
	}
	return files.MkdirAll(path+"/inside", 0o700)
}
