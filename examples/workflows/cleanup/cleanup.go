// Package cleanup deletes what has expired, every night, and does more every
// Sunday.
package cleanup

import (
	"context"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// Store is what has to be cleaned.
type Store interface {
	DeleteExpiredSessions(ctx context.Context, now time.Time) (deleted int, err error)
	DeleteTemporaryFiles(ctx context.Context) (deleted int, err error)
	// ArchiveLogs archives the audit logs from before a date.
	ArchiveLogs(ctx context.Context, before time.Time) (archived int, err error)
	// DeleteOrphans deletes rows without an owner, and returns how many by table.
	DeleteOrphans(ctx context.Context) (map[string]int, error)
	OptimizeIndexes(ctx context.Context) error
	// DeleteBackups deletes the backups from before a date.
	DeleteBackups(ctx context.Context, before time.Time) (deleted int, err error)
}

// Mailer sends the report.
type Mailer interface {
	SendReport(ctx context.Context, to string, report Report) error
}

// Report is the output of daily-data-cleanup.
type Report struct {
	Date     string         `json:"date"`
	Sessions int            `json:"sessions"`
	Files    int            `json:"files"`
	Logs     int            `json:"logs"`
	Orphans  map[string]int `json:"orphans"`
}

// Cleanup has the durable functions. Its fields are their dependencies.
type Cleanup struct {
	Store Store
	Mail  Mailer
}

// Functions returns all functions of this package.
func (c *Cleanup) Functions() []inngestkit.Function {
	return []inngestkit.Function{c.Daily(), c.Weekly()}
}

// Daily returns the function that runs every day at 2:00 UTC.
func (c *Cleanup) Daily() inngestkit.TypedFunction[inngestkit.CronData, Report] {
	return inngestkit.OnCron("daily-data-cleanup", "0 2 * * *", c.daily)
}

// Weekly returns the function that runs every Sunday at 3:00 UTC. It returns how many
// backups it has deleted.
func (c *Cleanup) Weekly() inngestkit.TypedFunction[inngestkit.CronData, int] {
	return inngestkit.OnCron("weekly-deep-cleanup", "0 3 * * 0", c.weekly)
}

func (c *Cleanup) daily(ctx context.Context, in inngestkit.CronInput) (Report, error) {
	scheduled := in.Event.Data.ScheduledAt // the same in every call; time.Now is not
	report := Report{Date: scheduled.Format(time.DateOnly)}
	var err error
	report.Sessions, err = step.Run(ctx, "cleanup-expired-sessions", func(ctx context.Context) (int, error) {
		return c.Store.DeleteExpiredSessions(ctx, scheduled)
	})
	if err != nil {
		return Report{}, err
	}
	report.Files, err = step.Run(ctx, "cleanup-temporary-files", c.Store.DeleteTemporaryFiles)
	if err != nil {
		return Report{}, err
	}
	report.Logs, err = step.Run(ctx, "archive-old-audit-logs", func(ctx context.Context) (int, error) {
		return c.Store.ArchiveLogs(ctx, scheduled.AddDate(0, -6, 0))
	})
	if err != nil {
		return Report{}, err
	}
	report.Orphans, err = step.Run(ctx, "cleanup-orphaned-records", c.Store.DeleteOrphans)
	if err != nil {
		return Report{}, err
	}
	_, err = step.Run(ctx, "send-cleanup-report", func(ctx context.Context) (any, error) {
		return nil, c.Mail.SendReport(ctx, "admin@example.com", report)
	})
	return report, err
}

func (c *Cleanup) weekly(ctx context.Context, in inngestkit.CronInput) (int, error) {
	_, err := step.Run(ctx, "optimize-database-indexes", func(ctx context.Context) (any, error) {
		return nil, c.Store.OptimizeIndexes(ctx)
	})
	if err != nil {
		return 0, err
	}
	return step.Run(ctx, "cleanup-old-backups", func(ctx context.Context) (int, error) {
		return c.Store.DeleteBackups(ctx, in.Event.Data.ScheduledAt.AddDate(0, 0, -30))
	})
}
