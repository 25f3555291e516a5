package main

import (
	"context"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// Weekly returns the function that runs every Sunday at 3:00 UTC, and when somebody asks for
// it.
func (c *Cleanup) Weekly() inngestkit.TypedFunction[any, Deep] {
	return inngestkit.OnEvent("weekly-deep-cleanup",
		inngestkit.AnyOfTypes(inngestkit.Cron("0 3 * * 0"), deepCleanupRequested), c.weekly,
		flow.Singleton(flow.SingletonSkip))
}

// Deep is the output of weekly-deep-cleanup.
type Deep struct {
	Backups int `json:"backups"`
}

func (c *Cleanup) weekly(ctx context.Context, _ inngestkit.Input[any]) (Deep, error) {
	if err := do(ctx, "optimize-database-indexes", c.store.Reindex); err != nil {
		return Deep{}, err
	}
	backups, err := step.Run(ctx, "cleanup-old-backups", func(ctx context.Context) (int, error) {
		return c.store.DeleteBackups(ctx, c.now().AddDate(0, 0, -30))
	})
	if err != nil {
		return Deep{}, err
	}
	return Deep{Backups: backups}, do(ctx, "vacuum-database", c.store.Vacuum)
}
