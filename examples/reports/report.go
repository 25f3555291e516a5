package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// reportRequested starts make-report.
var reportRequested = inngestkit.DefineEvent[ReportRequested]("report.requested")

// ReportRequested is the data of the event that starts a report.
type ReportRequested struct {
	Name string `json:"name"`
}

// Report is the output of make-report.
type Report struct {
	Name string `json:"name"`
	Rows int    `json:"rows"`
	File string `json:"file"`
}

// functions returns the functions of this program. workTime is how long rendering takes.
func functions(workTime time.Duration) []inngestkit.Function {
	return []inngestkit.Function{makeReport(workTime)}
}

// makeReport returns the function that makes a report. Seven retries outlast a rolling
// deployment of half an hour: docs/in-front-of-the-endpoint.md has the table.
func makeReport(workTime time.Duration) inngestkit.TypedFunction[ReportRequested, Report] {
	return inngestkit.OnEvent("make-report", reportRequested,
		func(ctx context.Context, in inngestkit.Input[ReportRequested]) (Report, error) {
			report := Report{Name: in.Event.Data.Name}
			var err error
			report.Rows, err = step.Run(ctx, "collect", func(context.Context) (int, error) { return 42, nil })
			if err != nil {
				return Report{}, err
			}
			report.File, err = step.Run(ctx, "render", func(ctx context.Context) (string, error) {
				return render(ctx, report.Name, workTime)
			})
			return report, err
		}, flow.Retries(7))
}

// render stands for work that takes a while. It ends with its context, so it does not
// outlive a call whose caller has gone.
func render(ctx context.Context, name string, workTime time.Duration) (string, error) {
	slog.InfoContext(ctx, "rendering", "name", name)
	select {
	case <-time.After(workTime):
		return name + ".pdf", nil
	case <-ctx.Done():
		return "", fmt.Errorf("rendering %s: %w", name, context.Cause(ctx))
	}
}
