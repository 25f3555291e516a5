package faults_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// An outage makes the database of an app fail until the function that it returns is called.
type outage func(t *testing.T, db *sql.DB) (end func())

// TestDatabaseIsDown takes the database away in which steps write. The case with PostgreSQL
// needs a program that a fresh machine lacks, so it is one of the long form.
func TestDatabaseIsDown(t *testing.T) {
	t.Parallel()
	databases := map[string]func(t *testing.T) (at string, down outage){"sqlite": sqliteLocked}
	if *longForm {
		databases["postgres"] = postgresKilled
	}
	for name, database := range databases {
		for what, run := range map[string]func(*testing.T, *lab.Lab, *sql.DB, outage){
			"for a while": downForAWhile, "too long": downTooLong, "process killed": killedAfterTheWrite,
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				t.Parallel()
				at, down := database(t)
				db, err := app.OpenDatabase(at)
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, db.Close()) })
				_, err = db.ExecContext(t.Context(), app.CreateTable)
				require.NoError(t, err)
				l := lab.New(t, lab.Config{Framework: "gin", App: func(_ int, cfg *app.Config) { cfg.Database = at }})
				run(t, l, db, down)
			})
		}
	}
}

// sqliteLocked locks the file, as a process does that hangs in a transaction.
func sqliteLocked(t *testing.T) (at string, down outage) {
	t.Helper()
	return filepath.Join(t.TempDir(), "app.db"), func(t *testing.T, db *sql.DB) (end func()) {
		t.Helper()
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		ctx := context.WithoutCancel(t.Context())
		_, err = conn.ExecContext(ctx, "BEGIN EXCLUSIVE")
		require.NoError(t, err)
		return func() {
			_, err := conn.ExecContext(ctx, "ROLLBACK")
			require.NoError(t, err)
			require.NoError(t, conn.Close())
		}
	}
}

func postgresKilled(t *testing.T) (at string, down outage) {
	t.Helper()
	server := lab.StartPostgres(t)
	return server.URI, func(t *testing.T, _ *sql.DB) (end func()) {
		t.Helper()
		server.Kill()
		return func() { server.Restart(t) }
	}
}

// Steps that fail because the database is down, or because they wait too long for the only
// connection to it, run again. In the end all runs have completed, each has one row, and no
// goroutine is left.
func downForAWhile(t *testing.T, l *lab.Lab, db *sql.DB, down outage) {
	t.Helper()
	before := l.Processes[0].Gauge(t)
	end := down(t, db)
	l.Send(app.Writes, inFlight)
	l.Ledger.Await(t, lab.Started, app.Write, 2*inFlight)
	require.Zero(t, l.Ledger.Count(lab.Finished, app.Write))
	end()
	repeated := l.Holds().Repeated
	require.GreaterOrEqual(t, repeated, inFlight)
	requireWritten(t, db, inFlight, repeated)
	const idle = 10 // connections: to the database, and to the ledger, each with two goroutines
	testsite.Eventually(t, 50*time.Millisecond, func() bool {
		return l.Processes[0].Gauge(t).Goroutines <= before.Goroutines+idle
	})
}

// When the retries run out, the run fails, and its failure handler runs.
func downTooLong(t *testing.T, l *lab.Lab, db *sql.DB, down outage) {
	t.Helper()
	end := down(t, db)
	l.Send(app.GivesUp, inFlight)
	l.Ledger.Await(t, lab.Finished, app.FailureHandled, inFlight)
	v := l.Judge()
	end()
	t.Log(v)
	require.Empty(t, v.Broken)
	require.Equal(t, []int{inFlight, 0}, []int{v.Failed, v.Completed})
	require.Zero(t, l.Ledger.Count(lab.Finished, app.Write))
	requireWritten(t, db, 0, 0)
}

// A step that has written, and whose process is killed before it responds, writes again. The
// row is still the only one of its run.
func killedAfterTheWrite(t *testing.T, l *lab.Lab, db *sql.DB, _ outage) {
	t.Helper()
	l.Ledger.Order(app.Die, app.Write, true, 1)
	l.Send(app.Writes, inFlight)
	replaceDead(t, l)
	repeated := l.Holds().Repeated
	require.Positive(t, repeated)
	require.Greater(t, requireWritten(t, db, inFlight, repeated), inFlight)
}

// requireWritten requires one row for each run. It returns how often rows were written: more
// often if a step ran again after its write, or after one that PostgreSQL has committed though
// the app did not wait for it.
func requireWritten(t *testing.T, db *sql.DB, rows, repeated int) (writes int) {
	t.Helper()
	var n int
	testsite.Eventually(t, 50*time.Millisecond, func() bool { // the pool may have dead connections
		return db.QueryRowContext(t.Context(), "SELECT count(*), coalesce(sum(writes), 0) FROM items").Scan(&n, &writes) == nil
	})
	require.Equal(t, rows, n)
	require.GreaterOrEqual(t, writes, rows)
	require.LessOrEqual(t, writes, rows+repeated)
	return writes
}
