// Package databasetest makes databases for tests of the examples.
package databasetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/inngestkit/inngestkit/examples/internal/database"
)

// New returns an empty database for a test: a schema of its own on the server of database.URLEnv, or
// a file.
func New(tb testing.TB, schema string) *sql.DB {
	tb.Helper()
	db, err := database.Open(tb.Context(), URL(tb), schema)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

// URL returns what database.Open needs for the database of a test.
func URL(tb testing.TB) string {
	tb.Helper()
	server := os.Getenv(database.URLEnv)
	if server == "" {
		// The file need not survive a power failure, so nothing waits for the disk.
		return filepath.Join(tb.TempDir(), "example.db?_pragma=synchronous(OFF)")
	}
	name := "test_" + strings.ToLower(rand.Text())
	execute(tb, server, "CREATE SCHEMA "+name)
	tb.Cleanup(func() { execute(tb, server, "DROP SCHEMA "+name+" CASCADE") })
	at, err := url.Parse(server)
	if err != nil {
		tb.Fatal(err)
	}
	query := at.Query()
	query.Set("search_path", name)
	at.RawQuery = query.Encode()
	return at.String()
}

// execute executes a statement on a connection of its own. It also works when the context
// of the test has ended.
func execute(tb testing.TB, at, statement string) {
	tb.Helper()
	db, err := database.Open(context.WithoutCancel(tb.Context()), at, statement)
	if err != nil {
		tb.Fatal(err)
	}
	if err := db.Close(); err != nil {
		tb.Fatal(err)
	}
}
