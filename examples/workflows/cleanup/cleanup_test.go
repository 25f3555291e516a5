package cleanup_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/examples/workflows/cleanup"
	"github.com/inngestkit/inngestkit/inngesttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Half a year of nights and Sundays.
func TestSchedules(t *testing.T) {
	t.Parallel()
	store := &store{}
	c := &cleanup.Cleanup{Store: store, Mail: store}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) // a Thursday
	e := inngesttest.Virtual(t, inngesttest.StartAt(begin))
	e.Register(c.Functions()...)
	e.AdvanceTo(begin.AddDate(0, 6, 0))
	require.Empty(t, e.Failed())

	require.Len(t, store.reports, 181)
	require.Equal(t, "2026-01-01", store.reports[0].Date)
	require.Equal(t, "2026-06-30", store.reports[180].Date)
	require.Equal(t, map[string]int{"carts": 2}, store.reports[0].Orphans)
	require.Equal(t, "2025-07-01", store.logsBefore[0].Format(time.DateOnly))

	require.Len(t, e.Runs(c.Weekly()), 26)
	require.Equal(t, "2025-12-05T03:00:00Z", store.backupsBefore[0].Format(time.RFC3339), "30 days before the first Sunday")
}

// store is everything that is cleaned, and the mail server.
type store struct {
	reports       []cleanup.Report
	logsBefore    []time.Time
	backupsBefore []time.Time
}

func (*store) DeleteExpiredSessions(context.Context, time.Time) (int, error) { return 3, nil }

func (*store) DeleteTemporaryFiles(context.Context) (int, error) { return 1, nil }

func (s *store) ArchiveLogs(_ context.Context, before time.Time) (int, error) {
	s.logsBefore = append(s.logsBefore, before)
	return 5, nil
}

func (*store) DeleteOrphans(context.Context) (map[string]int, error) {
	return map[string]int{"carts": 2}, nil
}

func (s *store) OptimizeIndexes(context.Context) error { return nil }

func (s *store) DeleteBackups(_ context.Context, before time.Time) (int, error) {
	s.backupsBefore = append(s.backupsBefore, before)
	return 1, nil
}

func (s *store) SendReport(_ context.Context, _ string, report cleanup.Report) error {
	s.reports = append(s.reports, report)
	return nil
}
