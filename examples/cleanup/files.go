package main

import (
	"context"
	"errors"
	"io/fs"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// deleteFiles is the ID of the function, and of its step and task.
const deleteFiles = "delete-files"

// DeleteFiles returns the function that deletes files. One run gets up to 50 events.
func (c *Cleanup) DeleteFiles() inngestkit.TypedFunction[FileExpired, int] {
	return inngestkit.OnEvent(deleteFiles, fileExpired, c.deleteFiles, flow.BatchEvents(50, time.Second))
}

// deleteFiles returns how many files it has deleted. A file that cannot be deleted does not
// keep the others from it: it is logged, and the next cleanup finds it again.
func (c *Cleanup) deleteFiles(ctx context.Context, in inngestkit.Input[FileExpired]) (int, error) {
	return step.Run(ctx, deleteFiles, func(ctx context.Context) (deleted int, err error) {
		for _, event := range in.Events {
			file := event.Data
			// A file that is gone was deleted by an earlier attempt.
			if err := c.files.Remove(file.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				inngestkit.Logger(ctx).WarnContext(ctx, "file not deleted", "path", file.Path, "error", err)
				continue
			}
			if err := c.store.FileDeleted(ctx, file.CleanupID, file.Path); err != nil {
				return deleted, err
			}
			deleted++
		}
		return deleted, nil
	})
}
