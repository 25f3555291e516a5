package health

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// metrics are what collect-metrics gathers.
type metrics struct {
	Functions []inngesthealth.FunctionMetrics `json:"functions"`
	System    inngesthealth.SystemMetrics     `json:"system"`
}

type alert struct {
	Level   string `json:"level"`
	Message string `json:"message"`
	Service string `json:"service"`
}

// monitoring is the MonitoringService in the README of nestjs-inngest.
type monitoring struct {
	mu sync.Mutex
	// recorded is what was sent to a monitoring system, kept what the function got from its
	// step through the Inngest server.
	recorded, kept []metrics
	alerts         []alert
}

// collectNow triggers collect-metrics without its schedule.
var collectNow = inngestkit.DefineEvent[order]("metrics.collect")

func (m *monitoring) collectMetrics() inngestkit.Function {
	// The reference has "*/5 * * * *". A test that runs at that time would have one more run,
	// so this schedule is midnight of a leap day.
	schedule := inngestkit.Cron("0 0 29 2 *")
	return inngestkit.OnEvent("collect-metrics", inngestkit.AnyOfTypes(schedule, collectNow),
		func(ctx context.Context, _ inngestkit.Input[any]) (metrics, error) {
			gathered, err := step.Run(ctx, "gather-function-metrics", func(ctx context.Context) (metrics, error) {
				health := inngesthealth.From(inngestkit.FromContext(ctx))
				now := metrics{health.Functions(), health.System()}
				return now, m.record(&m.recorded, now)
			})
			if err != nil {
				return metrics{}, err
			}
			_ = m.record(&m.kept, gathered)
			// Alert on high memory, and on high error rates.
			if used := gathered.System.Memory.Percentage; used > 90 {
				if err := m.alert(ctx, "send-high-memory-alert", fmt.Sprintf("High memory usage: %.1f%%", used)); err != nil {
					return metrics{}, err
				}
			}
			for _, f := range gathered.Functions {
				if f.FailureRate >= 0.5 {
					message := fmt.Sprintf("%s fails in %.0f%% of its runs", f.ID, f.FailureRate*100)
					if err := m.alert(ctx, "send-failure-alert-"+f.ID, message); err != nil {
						return metrics{}, err
					}
				}
			}
			return gathered, nil
		})
}

func (m *monitoring) record(list *[]metrics, gathered metrics) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	*list = append(*list, gathered)
	return nil
}

func (m *monitoring) alert(ctx context.Context, id, message string) error {
	_, err := step.Run(ctx, id, func(context.Context) (bool, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.alerts = append(m.alerts, alert{Level: "critical", Message: message, Service: "shop"})
		return true, nil
	})
	return err
}

// The reference's example of monitoring and alerting, on the Inngest server: what a step has
// measured returns from there unchanged.
func TestAlerting(t *testing.T) {
	const limit = 512 << 20
	limitMemory(t, limit)
	server := testsite.NewServer(t)
	var m monitoring
	var tries testsite.Counter
	s := setup{config: dev("shop", server), functions: []inngestkit.Function{
		m.collectMetrics(),
		onPlaced("bill", func(context.Context, input) (any, error) { return nil, errBankClosed }, flow.Retries(0)),
		onPlaced("ship", func(ctx context.Context, _ input) (any, error) {
			return step.Run(ctx, "pack", func(context.Context) (string, error) {
				if tries.Add("pack") == 1 {
					return "", errBankClosed
				}
				return "packed", nil
			})
		}, flow.Retries(1)),
	}}.serve(t)
	s.sync(t)

	first := collect(t, s, server)
	require.Empty(t, m.alerts)
	require.Zero(t, first.Functions[1].Executions)
	require.Equal(t, int64(1), first.Functions[0].Active, "the alerting function itself runs")

	runs, err := server.AwaitRuns(testsite.Within(t), testsite.Send(t, s.app, placed.New(order{ID: "o1"})), 2)
	require.NoError(t, err)
	require.Len(t, runs, 2)
	debug.SetMemoryLimit(1 << 20)
	second := collect(t, s, server)
	debug.SetMemoryLimit(limit)

	require.Equal(t, []metrics{first, second}, m.recorded, "the values are those that were measured")
	require.Subset(t, m.recorded, m.kept)
	require.Subset(t, m.kept, m.recorded)
	bill, ship := second.Functions[1], second.Functions[2]
	require.Equal(t, "bill", bill.ID)
	require.Equal(t, []any{uint64(1), uint64(1), 1.0}, []any{bill.Executions, bill.Failures, bill.FailureRate})
	require.WithinDuration(t, time.Now(), *bill.LastFailure, testsite.Timeout)
	require.Positive(t, bill.Durations.Max)
	require.Equal(t, "ship", ship.ID)
	require.Equal(t, []any{uint64(1), uint64(0), uint64(1), 0.0},
		[]any{ship.Successes, ship.Failures, ship.Retries, ship.FailureRate})
	require.Positive(t, ship.ErrorRate)
	require.Positive(t, second.System.Uptime)
	require.Equal(t, []alert{
		{"critical", fmt.Sprintf("High memory usage: %.1f%%", second.System.Memory.Percentage), "shop"},
		{"critical", "bill fails in 100% of its runs", "shop"},
	}, m.alerts, "each once")
}

// collect triggers collect-metrics and returns its output.
func collect(t *testing.T, s *site, server *devserver.Server) metrics {
	t.Helper()
	run := testsite.Ended(t, server, testsite.Send(t, s.app, collectNow.New(order{})), testsite.Timeout)
	require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
	var output metrics
	require.NoError(t, json.Unmarshal(run.Output, &output))
	require.Len(t, output.Functions, 3)
	return output
}
