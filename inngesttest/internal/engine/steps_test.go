package engine

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// Each operation: what the server stores, and which calls follow.
func TestOperations(t *testing.T) {
	t.Parallel()
	const failed = `{"op":"StepFailed","id":"a","error":{"name":"N","message":"m","extra":1}}`
	for _, test := range []struct {
		name   string
		first  *adapter.Response
		stored string
		calls  []string
		after  time.Duration
	}{
		{"step", ops(`[{"op":"StepRun","id":"a","data":{"n":1.0}}]`), `{"data":{"n":1}}`, []string{"step/0", "step/0"}, 0},
		{"step without a result", ops(`[{"op":"StepRun","id":"a"}]`), `{"data":null}`, []string{"step/0", "step/0"}, 0},
		{"step of an old SDK", ops(`[{"op":"Step","id":"a","data":{"data":7}}]`), `{"data":7}`, []string{"step/0", "step/0"}, 0},
		{"one operation without a list", ops(`{"op":"StepRun","id":"a","data":1}`), `{"data":1}`, []string{"step/0", "step/0"}, 0},
		{"number beyond float64", ops(`[{"op":"StepRun","id":"a","data":616581622363398142}]`), `{"data":616581622363398100}`, []string{"step/0", "step/0"}, 0},
		{"step failed", ops("[" + failed + "]"), `{"error":{"message":"m","name":"N"}}`, []string{"step/0", "step/0"}, 0},
		{
			"error without attempts", ops(`[{"op":"StepError","id":"a","error":{"name":"N","message":"m"}}]`, noRetry, "true"),
			`{"error":{"message":"m","name":"N","noRetry":true}}`, []string{"step/0", "step/0"}, 0,
		},
		{"sleep", ops(`[{"op":"Sleep","id":"a","opts":{"duration":"1h30m"}}]`), `null`, []string{"step/0", "step/0"}, 90 * time.Minute},
		{"sleep by name", ops(`[{"op":"Sleep","id":"a","name":"10s"}]`), `null`, []string{"step/0", "step/0"}, 10 * time.Second},
		{"sleep to a date", ops(`[{"op":"Sleep","id":"a","opts":{"duration":"2026-03-02T09:00:00Z"}}]`), `null`, []string{"step/0", "step/0"}, 24 * time.Hour},
		{"sleep to the past", ops(`[{"op":"Sleep","id":"a","opts":{"duration":"2020-03-02T09:00:00Z"}}]`), `null`, []string{"step/0", "step/0"}, 0},
		{"no sleep", ops(`[{"op":"Sleep","id":"a","opts":{"duration":"0s"}}]`), `null`, []string{"step/0", "step/0"}, 0},
		{"planned", ops(`[{"op":"StepPlanned","id":"a"}]`), `{"data":"a"}`, []string{"step/0", "a/0", "step/0"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var stored string
			_, run, s := runScript(t, Config{}, func(r *received) *adapter.Response {
				switch {
				case r.target == "a":
					return ops(`[{"op":"StepRun","id":"a","data":"a"}]`)
				case len(r.Context.Stack.Stack) == 0:
					return test.first
				}
				require.Equal(t, []string{"a"}, r.Context.Stack.Stack)
				require.Equal(t, 1, r.Context.Stack.Current)
				require.Equal(t, 2, r.Version, "the protocol of the first response")
				stored = string(r.Steps["a"])
				return response(200, `1`)
			})
			require.Equal(t, Completed, run.Status)
			require.Equal(t, test.stored, stored)
			require.Equal(t, test.calls, s.calls())
			require.Equal(t, test.after, run.Ended.Sub(start))
		})
	}
}

// A step's attempts repeat its call, with the same target. The call after it has all attempts
// again.
func TestStepAttempts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		planned bool
		header  []string
		calls   []string
		after   time.Duration
	}{
		{"in sequence", false, nil, []string{"step/0", "step/1", "step/2", "step/3", "step/0"}, 105 * time.Second},
		{"planned", true, nil, []string{"step/0", "a/0", "a/1", "a/2", "a/3", "step/0"}, 105 * time.Second},
		{"at a time", false, []string{retryAfter, "100"}, []string{"step/0", "step/1", "step/2", "step/3", "step/0"}, 300 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, run, s := runScript(t, Config{NoJitter: true}, func(r *received) *adapter.Response {
				switch {
				case len(r.Context.Stack.Stack) == 1:
					return response(200, string(r.Steps["a"]))
				case test.planned && r.target == "step":
					return ops(`[{"op":"StepPlanned","id":"a"}]`)
				}
				return ops(fmt.Sprintf(`[{"op":"StepError","id":"a","error":{"name":"N","message":"m%d"}}]`, r.Context.Attempt), test.header...)
			})
			require.Equal(t, Completed, run.Status)
			require.Equal(t, test.calls, s.calls())
			require.Equal(t, test.after, run.Ended.Sub(start))
			require.JSONEq(t, `{"error":{"message":"m3","name":"N"}}`, string(run.Output))
			require.Equal(t, []string{"m0", "m1", "m2", "m3"}, run.Steps[0].Errors)
			require.Equal(t, 4, run.Steps[0].Attempts)
		})
	}
}

// An error of a call that is for one step, without a step's error in it, fails the run.
func TestTargetedCallFails(t *testing.T) {
	t.Parallel()
	_, run, s := runScript(t, Config{NoJitter: true}, func(r *received) *adapter.Response {
		if r.target == "a" {
			return response(500, `{"message":"m"}`)
		}
		return ops(`[{"op":"StepPlanned","id":"a"}]`)
	})
	require.Equal(t, Failed, run.Status)
	require.Equal(t, []string{"step/0", "a/0", "a/1", "a/2", "a/3"}, s.calls())
}

// A function that fails after steps keeps them, and only its last call is made again.
func TestFunctionFailsAfterStep(t *testing.T) {
	t.Parallel()
	_, run, s := runScript(t, Config{NoJitter: true}, func(r *received) *adapter.Response {
		switch {
		case len(r.Context.Stack.Stack) == 0:
			return ops(`[{"op":"StepRun","id":"a"}]`)
		case r.Context.Attempt < 2:
			return response(500, `{}`)
		}
		return response(200, `1`)
	})
	require.Equal(t, Completed, run.Status)
	require.Equal(t, []string{"step/0", "step/0", "step/1", "step/2"}, s.calls())
}

// What ends a run at once, whatever attempts are left.
func TestFailsEarly(t *testing.T) {
	t.Parallel()
	var thousand []string
	for i := range 1001 {
		thousand = append(thousand, fmt.Sprintf(`{"op":"StepPlanned","id":"s%d"}`, i))
	}
	for _, test := range []struct {
		name    string
		version version.Version
		first   string
		failed  string
		after   time.Duration
	}{
		{"too many steps", "", "[" + strings.Join(thousand, ",") + "]", nameOverflow, 0},
		{"sleep too long", "", `[{"op":"Sleep","id":"a","opts":{"duration":"8785h"}}]`, nameTooLong, 0},
		{"sleep of 366 days", "", `[{"op":"Sleep","id":"a","opts":{"duration":"8784h"}}]`, "", 8784 * time.Hour},
		{"sleep too long, v1.12.1", version.Oldest, `[{"op":"Sleep","id":"a","opts":{"duration":"8785h"}}]`, "", 8785 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, run, _ := runScript(t, Config{Version: test.version}, func(r *received) *adapter.Response {
				if len(r.Context.Stack.Stack) == 0 {
					return ops(test.first)
				}
				return response(200, `1`)
			})
			require.Equal(t, test.after, run.Ended.Sub(start))
			if test.failed == "" {
				require.Equal(t, Completed, run.Status)
				return
			}
			require.Equal(t, Failed, run.Status)
			require.Contains(t, string(run.Output), `"name":"`+test.failed+`"`)
		})
	}
}

// A run may have 1,000 results when the app is called, less one.
func TestStepLimit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		steps  int
		status Status
	}{{999, Completed}, {1000, Failed}} {
		w := newWorld(t, Config{})
		n := 0
		run := w.begin(newFunction(func(context.Context, *adapter.Request) *adapter.Response {
			if n++; n <= test.steps {
				return ops(fmt.Sprintf(`[{"op":"StepRun","id":"s%d"}]`, n))
			}
			return response(200, `1`)
		}, 3))
		w.finish()
		require.Equal(t, test.status, run.Status)
		if test.status == Failed {
			require.Contains(t, string(run.Output), `The function run exceeded the step limit of 1000 steps.`)
		}
	}
}

// A run may store 32 MiB.
func TestStateLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	s := &script{t: t}
	s.respond = func(r *received) *adapter.Response {
		if len(s0(r)) == 0 {
			w.Locked(func() { w.active[r.Context.RunID].size = maxState - len(`{"data":100}`) })
			return ops(`[{"op":"StepRun","id":"a","data":100}]`)
		}
		return ops(`[{"op":"StepRun","id":"b"}]`)
	}
	run := w.begin(newFunction(s.do, 3))
	w.finish()
	require.Equal(t, Failed, run.Status)
	require.Contains(t, string(run.Output), `The function run exceeded the state size limit of 33554432 bytes.`)
	require.Equal(t, []string{"step/0", "step/0"}, s.calls())
}

// The server would drop these runs, so they would never end. That is not an outcome.
func TestDropped(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		version version.Version
		first   *adapter.Response
		fault   string
	}{
		{"equal keys in a result", "", ops(`[{"op":"StepRun","id":"a","data":{"k":1,"k":2}}]`), `the result of step "a" cannot be sent to the app`},
		{"no operation, v1.12.1", version.Oldest, ops(`[]`), "responded with no operation"},
		{"RunComplete, v1.12.1", version.Oldest, ops(`[{"op":"RunComplete","id":"a"}]`), "unknown opcode: RunComplete"},
		{"unreadable sleep", "", ops(`[{"op":"Sleep","id":"a","opts":{"duration":"soon"}}]`), "the server would drop the run"},
		{"defer", "", ops(`[{"op":"DeferAdd","id":"a"}]`), "the test engine does not support"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, run, _ := runScript(t, Config{NoJitter: true, Version: test.version}, func(*received) *adapter.Response { return test.first })
			faults := w.faults()
			require.Len(t, faults, 1)
			require.Contains(t, faults[0], test.fault)
			require.Equal(t, Running, run.Status)
		})
	}
}

// v1.43.0 calls the app again after a response without operations, and takes the output from
// RunComplete.
func TestNewestOperations(t *testing.T) {
	t.Parallel()
	_, run, s := runScript(t, Config{}, func(r *received) *adapter.Response {
		switch len(s0(r)) {
		case 0:
			return ops(`[{"op":"DiscoveryRequest","id":"d"},{"op":"StepRun","id":"a"}]`)
		default:
			return ops(`[{"op":"RunComplete","id":"z","data":{"b":1,"a":2}}]`)
		}
	})
	require.Equal(t, Completed, run.Status)
	require.Equal(t, `{"a":2,"b":1}`, string(run.Output))
	require.Equal(t, []string{"step/0", "step/0 plan", "step/0 plan"}, s.calls(), "both ask for a call")

	calls := 0
	_, run, _ = runScript(t, Config{}, func(*received) *adapter.Response {
		if calls++; calls == 1 {
			return ops(`[]`)
		}
		return response(200, `1`)
	})
	require.Equal(t, Completed, run.Status)
	require.Equal(t, 2, run.Calls)
}

func s0(r *received) []string { return r.Context.Stack.Stack }
