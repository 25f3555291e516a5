package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// stepOf responds with the result of the step that a call is for.
func stepOf(r *received) *adapter.Response {
	return ops(fmt.Sprintf(`[{"op":"StepRun","id":%q,"data":%q}]`, r.target, r.target))
}

// Parallel steps are planned, run one by one, and followed by one call. v1.12.1 goes on to
// plan every step.
func TestParallelSteps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version version.Version
		calls   []string
	}{
		{version.Newest, []string{"step/0", "a/0 plan", "b/0 plan", "step/0", "step/0"}},
		{version.Oldest, []string{"step/0", "a/0 plan", "b/0 plan", "step/0 plan", "c/0 plan", "step/0 plan"}},
	} {
		t.Run(string(test.version), func(t *testing.T) {
			t.Parallel()
			_, run, s := runScript(t, Config{Version: test.version}, func(r *received) *adapter.Response {
				switch done := r.Context.Stack.Stack; {
				case r.target != "step":
					return stepOf(r)
				case len(done) == 0:
					return ops(`[{"op":"StepPlanned","id":"a"},{"op":"StepPlanned","id":"b"}]`)
				case len(done) == 2 && r.Context.Plan:
					return ops(`[{"op":"StepPlanned","id":"c"}]`)
				case len(done) == 2:
					return ops(`[{"op":"StepRun","id":"c","data":"c"}]`)
				}
				return response(200, `1`)
			})
			require.Equal(t, Completed, run.Status)
			require.Equal(t, test.calls, s.calls())
		})
	}
}

// The steps of a group may fail, sleep and be tried again on their own. The call after the
// group has them in the order in which they finished.
func TestParallelKinds(t *testing.T) {
	t.Parallel()
	var stack []string
	_, run, s := runScript(t, Config{NoJitter: true}, func(r *received) *adapter.Response {
		switch {
		case r.target == "a" && r.Context.Attempt == 0:
			return ops(`[{"op":"StepError","id":"a","error":{"name":"N","message":"m"}}]`)
		case r.target == "b":
			return ops(`[{"op":"StepFailed","id":"b","error":{"name":"N","message":"m"}}]`)
		case r.target != "step":
			return stepOf(r)
		case len(s0(r)) == 0:
			return ops(`[{"op":"StepPlanned","id":"a"},{"op":"Sleep","id":"z","opts":{"duration":"10s"}},{"op":"StepPlanned","id":"b"}]`)
		}
		stack = s0(r)
		return response(200, `1`)
	})
	require.Equal(t, Completed, run.Status)
	require.Equal(t, []string{"step/0", "a/0 plan", "b/0 plan", "a/1 plan", "step/0"}, s.calls())
	require.Equal(t, []string{"b", "z", "a"}, stack)
	require.Equal(t, start.Add(15*time.Second), run.Ended)
}

// Three sleeps without a planned step: v1.43.0 calls the app after each, and ignores that it
// announces the others again. v1.12.1 waits for all.
func TestParallelSleeps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version version.Version
		calls   int
	}{{version.Newest, 4}, {version.Oldest, 2}} {
		t.Run(string(test.version), func(t *testing.T) {
			t.Parallel()
			_, run, s := runScript(t, Config{Version: test.version}, func(r *received) *adapter.Response {
				var left string
				for i, id := range []string{"a", "b", "c"} {
					if _, ok := r.Steps[id]; !ok {
						left += fmt.Sprintf(`,{"op":"Sleep","id":%q,"opts":{"duration":"%ds"}}`, id, i+1)
					}
				}
				if left == "" {
					return response(200, `1`)
				}
				return ops("[" + left[1:] + "]")
			})
			require.Equal(t, Completed, run.Status)
			require.Len(t, s.calls(), test.calls)
			require.Equal(t, start.Add(3*time.Second), run.Ended, "the first announcement of a sleep counts")
			require.Len(t, run.Steps, 3)
		})
	}
}

// An app whose protocol is older than 2 is called after each parallel step.
func TestParallelOldProtocol(t *testing.T) {
	t.Parallel()
	_, run, s := runScript(t, Config{}, func(r *received) *adapter.Response {
		switch {
		case r.target != "step":
			return stepOf(r)
		case len(s0(r)) == 0:
			resp := ops(`[{"op":"StepPlanned","id":"a"},{"op":"StepPlanned","id":"b"}]`)
			resp.Header.Set("X-Inngest-Req-Version", "1")
			return resp
		case len(s0(r)) == 1:
			return ops(`[{"op":"StepPlanned","id":"b"}]`)
		}
		return response(200, `1`)
	})
	require.Equal(t, Completed, run.Status)
	require.Equal(t, []string{"step/0", "a/0 plan", "b/0 plan", "step/0 plan"}, s.calls())
}
