package main

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/examples/internal/database/databasetest"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// thursday is when these tests begin.
var thursday = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// site is what a cleanup cleans.
type site struct {
	store   *Store
	files   *os.Root
	cleanup *Cleanup
	engine  *inngesttest.Engine
}

// newSite returns a site with something to clean, and an engine that cleans it.
func newSite(t *testing.T) *site {
	t.Helper()
	files, err := os.OpenRoot(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, files.Close()) })
	s := &site{store: &Store{db: databasetest.New(t, schema), batchSize: 100}, files: files}
	s.engine = inngesttest.Virtual(t, inngesttest.StartAt(thursday))
	s.cleanup = NewCleanup(s.store, files, s.engine.Now, "admin@example.com", "devops@example.com")
	require.NoError(t, seed(t.Context(), s.store, files, thursday))
	s.engine.Register(s.cleanup.Functions()...)
	return s
}

// count returns the only value of a query.
func (s *site) count(t *testing.T, query string) (n int) {
	t.Helper()
	require.NoError(t, s.store.db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}

// Somebody asks for a cleanup. It deletes what is old, and nothing else.
func TestCleanup(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var gone string // an earlier attempt has deleted it, and died before it could note that
	require.NoError(t, s.store.db.QueryRowContext(t.Context(),
		"SELECT path FROM temporary_files WHERE path LIKE '%-059.tmp'").Scan(&gone))
	require.NoError(t, s.files.Remove(gone))
	s.engine.Send(cleanupRequested.New(CleanupRequested{CleanupID: "c1"}))
	s.engine.Advance(time.Minute)
	run := s.engine.Runs(s.cleanup.Daily())[0]
	require.JSONEq(t, `{"id":"c1","date":"2026-01-01","duration":"0s","files":60,"deleted":{"cleanup-expired-sessions":250,
		"archive-old-audit-logs":120,"cleanup-orphaned-cart-items":30,"cleanup-orphaned-coupons":30}}`, string(run.OutputJSON()))
	require.JSONEq(t, `100`, string(run.Step("cleanup-expired-sessions-1").Output))
	require.JSONEq(t, `50`, string(run.Step("cleanup-expired-sessions-3").Output))

	for table, want := range map[string]int{
		"sessions": seedSessions, "audit_logs": seedLogs, "archived_logs": seedLogs, "cart_items": seedOrphans,
		"coupons": seedOrphans, "carts": 1, "backups": 2 * seedBackups, "cleanup_reports": 2,
		"temporary_files": 2, // the new one, and the one that cannot be deleted
	} {
		require.Equal(t, want, s.count(t, "SELECT count(*) FROM "+table), table)
	}
	entries, err := os.ReadDir(s.files.Name())
	require.NoError(t, err)
	require.Len(t, entries, 2)

	deletions := s.engine.Runs(s.cleanup.DeleteFiles())
	require.Len(t, deletions, 2, "50 events in one run, the rest in another")
	progress, err := s.store.Progress(t.Context(), "c1")
	require.NoError(t, err)
	require.Equal(t, seedFiles-1, progress[deleteFiles])
	require.Empty(t, s.engine.Failed())
}

// The process dies after a batch is deleted, and before it responds. The batch that is
// repeated deletes nothing more, so the report is right.
func TestBatchRepeats(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	lost := func(ctx context.Context, in inngesttest.StepInput) (any, error) {
		_, err := in.Callback(ctx)
		return nil, errors.Join(err, errors.New("the response is lost"))
	}
	for _, step := range []string{"cleanup-expired-sessions-1", "archive-old-audit-logs-2", deleteFiles, "send-cleanup-report"} {
		s.engine.Step(step).Does(lost).Once()
	}
	s.engine.Send(cleanupRequested.New(CleanupRequested{CleanupID: "c1"}))
	s.engine.Advance(time.Hour)
	require.Equal(t, 2, s.engine.Runs(s.cleanup.Daily())[0].Step("cleanup-expired-sessions-1").Attempts)
	progress, err := s.store.Progress(t.Context(), "c1")
	require.NoError(t, err)
	require.Equal(t, map[string]int{
		"cleanup-expired-sessions": seedSessions, "archive-old-audit-logs": seedLogs, "cleanup-orphaned-cart-items": seedOrphans,
		"cleanup-orphaned-coupons": seedOrphans, deleteFiles: seedFiles - 1,
	}, progress)
	require.Equal(t, 2, s.count(t, "SELECT count(*) FROM cleanup_reports"))
}

// While one cleanup runs, another one is skipped.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.engine.Step("begin").Takes(time.Minute)
	for _, id := range []string{"c1", "c2"} {
		s.engine.Send(cleanupRequested.New(CleanupRequested{CleanupID: id}))
	}
	s.engine.Advance(time.Hour)
	completed := 0
	for _, run := range s.engine.Runs(s.cleanup.Daily()) {
		if run.Status() == inngesttest.RunCompleted {
			completed++
		}
	}
	require.Equal(t, 1, completed)
}

// A task that never ends, because rows arrive as fast as they are deleted, waits for the next
// night.
func TestEndlessTask(t *testing.T) {
	t.Parallel()
	s := &Store{db: databasetest.New(t, schema), batchSize: 1}
	endless := task{"endless", func(context.Context, *sql.Tx, time.Time, int) (int, error) { return 1, nil }}
	ctx := inngesttest.StepContext(t)
	require.NoError(t, NewCleanup(s, nil, time.Now).inBatches(ctx, "c1", endless, time.Now()))
	require.Len(t, inngesttest.Steps(ctx), maxBatches)
}

// Four nights, the last one before a Sunday. In the first, all sessions have expired.
func TestSchedules(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.engine.AdvanceTo(thursday.AddDate(0, 0, 4))
	require.Empty(t, s.engine.Failed())
	require.Equal(t, 4, s.count(t, "SELECT count(DISTINCT cleanup_id) FROM cleanup_reports"))
	require.Len(t, s.engine.Runs(s.cleanup.Weekly()), 1)
	require.Equal(t, seedBackups, s.count(t, "SELECT count(*) FROM backups"))
	require.Equal(t, 2*seedSessions, s.count(t, "SELECT sum(deleted) FROM cleanup_parts WHERE task = 'cleanup-expired-sessions'"))
}
