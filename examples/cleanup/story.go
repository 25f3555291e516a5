package main

import (
	"context"
	"net/http"

	"github.com/inngestkit/inngestkit/examples/internal/demo"
)

const appID = "cleanup"

// program starts a cleanup that would otherwise run at night. Your application does not need
// it.
var program = demo.Program{
	Name:     appID,
	About:    "A net/http app with chi cleans its database and files in batches, and reports.",
	Services: map[string]demo.Service{appID: serve},
	Story:    story,
}

func story(ctx context.Context, v *demo.Visitor) error {
	v.Say("It is not 2:00 yet, so I start the nightly cleanup.")
	var daily, weekly struct{ CleanupID, EventID string }
	if err := v.Do(ctx, appID, http.MethodPost, "/cleanups", "", &daily); err != nil {
		return err
	}
	var seen progressView
	path := "/cleanups/" + daily.CleanupID
	if err := v.Await(ctx, appID, path, &seen, func() bool { return seen.Deleted[tasks[0].name] > 0 }); err != nil {
		return err
	}
	// One of the files cannot be deleted. In PostgreSQL there may be more, of an earlier run.
	done := func() bool { return seen.Reports == 2 && seen.Deleted[deleteFiles] >= seedFiles-1 }
	if err := v.Await(ctx, appID, path, &seen, done); err != nil {
		return err
	}
	v.Say("Nor is it Sunday.")
	if err := v.Do(ctx, appID, http.MethodPost, "/deep-cleanups", "", &weekly); err != nil {
		return err
	}
	return v.AwaitEnd(ctx, daily.EventID, weekly.EventID)
}
