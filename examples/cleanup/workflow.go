package main

import (
	"context"
	"fmt"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// maxBatches limits the batches of one task, because a run has at most 1,000 steps. What is
// left waits for the next night.
const maxBatches = 100

// Cleanup has the durable functions. Its fields are their dependencies.
type Cleanup struct {
	store  *Store
	files  Files
	now    func() time.Time
	admins []string
}

// Files are where temporary files are.
type Files interface {
	// Remove deletes a file. The error of a file that does not exist is fs.ErrNotExist.
	Remove(path string) error
}

// NewCleanup returns the durable functions.
func NewCleanup(store *Store, files Files, now func() time.Time, admins ...string) *Cleanup {
	return &Cleanup{store: store, files: files, now: now, admins: admins}
}

// Functions returns all functions.
func (c *Cleanup) Functions() []inngestkit.Function {
	return []inngestkit.Function{c.Daily(), c.DeleteFiles(), c.Weekly()}
}

// Daily returns the function that runs every day at 2:00 UTC, and when somebody asks for it.
// While one cleanup runs, no other begins.
func (c *Cleanup) Daily() inngestkit.TypedFunction[any, Report] {
	return inngestkit.OnEvent("daily-data-cleanup",
		inngestkit.AnyOfTypes(inngestkit.Cron("0 2 * * *"), cleanupRequested), c.daily,
		flow.Singleton(flow.SingletonSkip))
}

// Report is the output of daily-data-cleanup.
type Report struct {
	ID       string         `json:"id"`
	Date     string         `json:"date"`
	Duration string         `json:"duration"`
	Deleted  map[string]int `json:"deleted"`
	// Files is the number of files that are to be deleted; delete-files does that.
	Files int `json:"files"`
}

func (c *Cleanup) daily(ctx context.Context, in inngestkit.Input[any]) (Report, error) {
	id := in.InputCtx.RunID
	if requested, ok := in.Event.Data.(CleanupRequested); ok {
		id = requested.CleanupID
	}
	// The time is taken in a step, so it is the same in every call, and for every batch.
	begin, err := step.Run(ctx, "begin", func(context.Context) (time.Time, error) { return c.now().UTC(), nil })
	if err != nil {
		return Report{}, err
	}
	for _, task := range tasks {
		if err := c.inBatches(ctx, id, task, begin); err != nil {
			return Report{}, err
		}
	}
	files, err := c.expire(ctx, id, begin)
	if err != nil {
		return Report{}, err
	}
	if err := do(ctx, "update-database-stats", c.store.Analyze); err != nil {
		return Report{}, err
	}
	report, err := step.Run(ctx, "generate-cleanup-report", func(ctx context.Context) (Report, error) {
		deleted, err := c.store.Progress(ctx, id)
		delete(deleted, deleteFiles) // they are still being deleted
		return Report{
			ID: id, Date: begin.Format(time.DateOnly), Duration: c.now().Sub(begin).Round(time.Millisecond).String(),
			Deleted: deleted, Files: files,
		}, err
	})
	if err != nil {
		return Report{}, err
	}
	return report, do(ctx, "send-cleanup-report", func(ctx context.Context) error {
		return c.store.SendReport(ctx, report, c.admins...)
	})
}

// inBatches runs a task until nothing is left. Each batch is a step and a short transaction:
// it locks little, and a failure repeats only the last batch.
func (c *Cleanup) inBatches(ctx context.Context, id string, task task, now time.Time) error {
	for n := range maxBatches {
		count, err := step.Run(ctx, fmt.Sprintf("%s-%d", task.name, n+1), func(ctx context.Context) (int, error) {
			return c.store.Batch(ctx, id, task, n+1, now)
		})
		if err != nil || count < c.store.batchSize {
			return err
		}
	}
	return nil
}

// expire sends an event for each temporary file that has expired, all in one request.
func (c *Cleanup) expire(ctx context.Context, id string, now time.Time) (int, error) {
	paths, err := step.Run(ctx, "find-temporary-files", func(ctx context.Context) ([]string, error) {
		return c.store.ExpiredFiles(ctx, now)
	})
	if err != nil || len(paths) == 0 {
		return 0, err
	}
	events := make([]inngestkit.AnyEvent, len(paths))
	for i, path := range paths {
		events[i] = fileExpired.New(FileExpired{CleanupID: id, Path: path})
	}
	_, err = step.SendEvent(ctx, "delete-temporary-files", events...)
	return len(paths), err
}

// do runs a step without a result.
func do(ctx context.Context, id string, f func(ctx context.Context) error) error {
	_, err := step.Run(ctx, id, func(ctx context.Context) (any, error) { return nil, f(ctx) })
	return err
}
