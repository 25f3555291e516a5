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
				case r.target == "a" || r.target == "b":
					require.Empty(t, r.Steps, "parallel steps begin together")
					return stepOf(r)
				case r.target != anyStep:
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

// Sleeps are a group too. The call after it still plans steps in v1.43.0, which only then lets
// the app run them at once.
func TestParallelSleeps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version version.Version
		calls   []string
	}{
		{version.Newest, []string{"step/0", "step/0 plan", "a/0", "step/0"}},
		{version.Oldest, []string{"step/0", "step/0 plan", "a/0 plan", "step/0 plan"}},
	} {
		t.Run(string(test.version), func(t *testing.T) {
			t.Parallel()
			_, run, s := runScript(t, Config{Version: test.version}, func(r *received) *adapter.Response {
				switch {
				case r.target != anyStep:
					return stepOf(r)
				case len(s0(r)) == 0:
					return ops(`[{"op":"Sleep","id":"y","opts":{"duration":"1s"}},{"op":"Sleep","id":"z","opts":{"duration":"3s"}}]`)
				case len(s0(r)) == 2:
					return ops(`[{"op":"StepPlanned","id":"a"}]`)
				}
				return response(200, `1`)
			})
			require.Equal(t, Completed, run.Status)
			require.Equal(t, test.calls, s.calls())
			require.Equal(t, start.Add(3*time.Second), run.Ended)
			require.Len(t, run.Steps, 3)
		})
	}
}

// Without a step to wait for, v1.43.0 calls the app for each result in a response, and ignores
// what the app announces again.
func TestAnnouncedAgain(t *testing.T) {
	t.Parallel()
	_, run, s := runScript(t, Config{}, func(r *received) *adapter.Response {
		switch len(s0(r)) {
		case 0:
			return ops(`[{"op":"StepRun","id":"a"},{"op":"StepRun","id":"b"}]`)
		case 2:
			return ops(`[{"op":"Sleep","id":"z","opts":{"duration":"1s"}}]`)
		}
		return response(200, `1`)
	})
	require.Equal(t, Completed, run.Status)
	require.Equal(t, []string{"step/0", "step/0 plan", "step/0 plan", "step/0 plan"}, s.calls())
	require.Equal(t, start.Add(time.Second), run.Ended)
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
	require.Equal(t, []string{"step/0", "a/0 plan", "b/0 plan", "step/0 plan", "step/0 plan"}, s.calls())
}
