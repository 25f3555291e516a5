// Package database opens the databases of the examples: SQLite in a file, or PostgreSQL. The
// statements of the examples are the same for both.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/stdlib" // also the driver "pgx"
	_ "modernc.org/sqlite"           // the driver "sqlite"
)

// URLEnv is the environment variable with the URL of a PostgreSQL server. Without it, the
// examples and their tests use SQLite.
const URLEnv = "DATABASE_URL"

// Open opens the database at the URL of a PostgreSQL server, or in the file of any other
// name, and executes the schema. The schema must be one that can be executed again.
func Open(ctx context.Context, at, schema string) (*sql.DB, error) {
	db, err := open(at)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("create the tables: %w", err), db.Close())
	}
	return db, nil
}

func open(at string) (*sql.DB, error) {
	switch {
	case isPostgres(at):
		return sql.Open("pgx", at)
	case strings.Contains(at, "://"):
		return nil, errors.New(URLEnv + " must begin with postgres:// or postgresql://")
	}
	db, err := sql.Open("sqlite", at)
	if err == nil {
		db.SetMaxOpenConns(1) // SQLite has one writer at a time, and the others would fail
	}
	return db, err
}

// IsPostgres reports whether db is a PostgreSQL server, for the few statements that differ.
func IsPostgres(db *sql.DB) bool {
	_, is := db.Driver().(*stdlib.Driver)
	return is
}

func isPostgres(at string) bool {
	return strings.HasPrefix(at, "postgres://") || strings.HasPrefix(at, "postgresql://")
}

// Tx runs f in a transaction, which is rolled back if f fails.
func Tx(ctx context.Context, db *sql.DB, f func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	if err := f(tx); err != nil {
		if undone := tx.Rollback(); undone != nil && !errors.Is(undone, sql.ErrTxDone) {
			return errors.Join(err, undone)
		}
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
