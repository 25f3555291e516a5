package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/inngestkit/inngestkit/examples/internal/database"
)

// schema is for SQLite and PostgreSQL. Times are milliseconds since 1970.
const schema = `
CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, expires_at BIGINT NOT NULL);
CREATE INDEX IF NOT EXISTS sessions_expiry ON sessions (expires_at);
CREATE TABLE IF NOT EXISTS temporary_files (path TEXT PRIMARY KEY, expires_at BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS audit_logs (id TEXT PRIMARY KEY, at BIGINT NOT NULL, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS archived_logs (id TEXT PRIMARY KEY, at BIGINT NOT NULL, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS carts (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS cart_items (id TEXT PRIMARY KEY, cart_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS coupons (id TEXT PRIMARY KEY, cart_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS backups (name TEXT PRIMARY KEY, made_at BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS cleanup_parts (
	cleanup_id TEXT NOT NULL, task TEXT NOT NULL, part TEXT NOT NULL, deleted INTEGER NOT NULL,
	PRIMARY KEY (cleanup_id, task, part)
);
CREATE TABLE IF NOT EXISTS cleanup_reports (
	cleanup_id TEXT NOT NULL, recipient TEXT NOT NULL, report TEXT NOT NULL, PRIMARY KEY (cleanup_id, recipient)
);`

// Store is the database that is cleaned, with the progress of cleanups.
type Store struct {
	db        *sql.DB
	batchSize int
}

// Batch runs one batch of a task, and notes in the same transaction what it has deleted. If
// that is noted already, an earlier attempt has done it: the batch deletes nothing more.
func (s *Store) Batch(ctx context.Context, cleanupID string, t task, n int, now time.Time) (deleted int, err error) {
	err = database.Tx(ctx, s.db, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT deleted FROM cleanup_parts WHERE cleanup_id = $1 AND task = $2 AND part = $3",
			cleanupID, t.name, strconv.Itoa(n)).Scan(&deleted)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		deleted, err = t.run(ctx, tx, now, s.batchSize)
		if err != nil {
			return err
		}
		return note(ctx, tx, cleanupID, t.name, strconv.Itoa(n), deleted)
	})
	return deleted, err
}

// ExpiredFiles returns the temporary files that can be deleted, at most 1,000.
func (s *Store) ExpiredFiles(ctx context.Context, now time.Time) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT path FROM temporary_files WHERE expires_at < $1
		ORDER BY path LIMIT 1000`, now.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err has its error
	var paths []string
	for rows.Next() {
		var path string
		if err := rows.Scan(&path); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, rows.Err()
}

// FileDeleted notes that a file is deleted.
func (s *Store) FileDeleted(ctx context.Context, cleanupID, path string) error {
	return database.Tx(ctx, s.db, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM temporary_files WHERE path = $1", path); err != nil {
			return err
		}
		return note(ctx, tx, cleanupID, deleteFiles, path, 1)
	})
}

// Progress returns what a cleanup has deleted so far, by task.
func (s *Store) Progress(ctx context.Context, cleanupID string) (map[string]int, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT task, sum(deleted) FROM cleanup_parts
		WHERE cleanup_id = $1 GROUP BY task`, cleanupID)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err has its error
	progress := map[string]int{}
	for rows.Next() {
		var task string
		var deleted int
		if err := rows.Scan(&task, &deleted); err != nil {
			return nil, err
		}
		progress[task] = deleted
	}
	return progress, rows.Err()
}

// SendReport sends a report to each recipient: a row that another program sends as a mail.
func (s *Store) SendReport(ctx context.Context, report Report, recipients ...string) error {
	text, err := json.Marshal(report)
	if err != nil {
		return err
	}
	return database.Tx(ctx, s.db, func(tx *sql.Tx) error {
		for _, recipient := range recipients {
			_, err := tx.ExecContext(ctx, `INSERT INTO cleanup_reports (cleanup_id, recipient, report) VALUES ($1, $2, $3)
				ON CONFLICT DO NOTHING`, report.ID, recipient, string(text))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Reports returns how many mails were sent about a cleanup.
func (s *Store) Reports(ctx context.Context, cleanupID string) (n int, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT count(*) FROM cleanup_reports WHERE cleanup_id = $1", cleanupID).Scan(&n)
	return n, err
}

// DeleteBackups deletes the backups from before a time.
func (s *Store) DeleteBackups(ctx context.Context, before time.Time) (deleted int, err error) {
	return changes(s.db.ExecContext(ctx, "DELETE FROM backups WHERE made_at < $1", before.UnixMilli()))
}

// Analyze updates the statistics with which the database plans queries.
func (s *Store) Analyze(ctx context.Context) error { return s.execute(ctx, "ANALYZE") }

// Vacuum gives the space of deleted rows back.
func (s *Store) Vacuum(ctx context.Context) error { return s.execute(ctx, "VACUUM") }

// Reindex builds the indexes again.
func (s *Store) Reindex(ctx context.Context) error {
	if database.IsPostgres(s.db) {
		return s.execute(ctx, "REINDEX INDEX CONCURRENTLY sessions_expiry")
	}
	return s.execute(ctx, "REINDEX sessions_expiry")
}

func (s *Store) execute(ctx context.Context, statement string) error {
	_, err := s.db.ExecContext(ctx, statement)
	return err
}

// note notes that a part of a cleanup is done.
func note(ctx context.Context, tx *sql.Tx, cleanupID, task, part string, deleted int) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO cleanup_parts (cleanup_id, task, part, deleted) VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING`, cleanupID, task, part, deleted)
	return err
}
