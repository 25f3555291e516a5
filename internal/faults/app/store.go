package app

import (
	"context"
	"database/sql"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

const (
	// writeTime limits a write, with the wait for a connection.
	writeTime = 500 * time.Millisecond
	// upsert writes one row for each run, and counts how often.
	upsert = `INSERT INTO items (run, item, writes) VALUES ($1, $2, 1)
		ON CONFLICT (run) DO UPDATE SET item = excluded.item, writes = items.writes + 1`
)

// A store is the database of the app. It has a single connection, so calls wait for it.
type store struct{ db *sql.DB }

// OpenDatabase opens the database at a path, or at the URI of a PostgreSQL server.
func OpenDatabase(at string) (*sql.DB, error) {
	if strings.HasPrefix(at, "postgres://") {
		return sql.Open("pgx", at)
	}
	return sql.Open("sqlite", at+"?_pragma=busy_timeout(100)")
}

// CreateTable creates the table of the app.
const CreateTable = "CREATE TABLE items (run TEXT PRIMARY KEY, item TEXT, writes INTEGER)"

// openStore opens the database of the app, nil without an address.
func openStore(at string) (*store, error) {
	if at == "" {
		return nil, nil //nolint:nilnil // without a database the app has no functions that write
	}
	db, err := OpenDatabase(at)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &store{db}, nil
}

// write writes the item of a run. However often it does, the database has one row for the run.
func (s *store) write(ctx context.Context, run, item string) error {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	_, err := s.db.ExecContext(ctx, upsert, run, item)
	return err
}
