package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inngest/inngestgo/pkg/checkpoint"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// sequence returns a function of steps that take 10 s each.
func sequence(ids ...string) func(context.Context, input) (string, error) {
	return func(ctx context.Context, _ input) (string, error) {
		for _, id := range ids {
			if _, err := step.Run(ctx, id, func(context.Context) (string, error) { time.Sleep(10 * time.Second); return id, nil }); err != nil {
				return "", err
			}
		}
		return "done", nil
	}
}

// sentAt is a checkpoint and the time at which it was sent.
type sentAt struct {
	after time.Duration
	steps []string
}

// memoryAPI is an API without a network, so synctest can move the clock. It responds to
// each checkpoint with what answer returns.
type memoryAPI struct {
	mu   sync.Mutex
	sent []sentAt
}

func (m *memoryAPI) app(t *testing.T, answer answer, f inngestkit.Function) *inngestkit.App {
	t.Helper()
	start := time.Now()
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: &http.Client{Transport: roundTripper(
		func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			m.mu.Lock()
			defer m.mu.Unlock()
			m.sent = append(m.sent, sentAt{time.Since(start), batch(t, string(body))})
			return answer()
		})}}, f)
	return app
}

func (m *memoryAPI) seen() []sentAt {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sent
}

// A result waits for the batch interval, also while the next step runs, unless the batch is
// full before.
func TestCheckpointInterval(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		number   int
		interval time.Duration
		want     []sentAt
	}{
		"time":   {10, 15 * time.Second, []sentAt{{25 * time.Second, []string{"a", "b"}}, {45 * time.Second, []string{"c", "d"}}, {50 * time.Second, []string{"e"}}}},
		"number": {2, 25 * time.Second, []sentAt{{20 * time.Second, []string{"a", "b"}}, {40 * time.Second, []string{"c", "d"}}, {50 * time.Second, []string{"e"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var api memoryAPI
				app := api.app(t, answered(http.StatusOK, ""), onSignUp(sequence("a", "b", "c", "d", "e"),
					flow.Checkpoint(flow.BatchSteps(tc.number), flow.BatchInterval(tc.interval))))
				require.Equal(t, `"done"`, string(callFn(t.Context(), t, app, signUpEnvelope(user{})).Body))
				time.Sleep(time.Hour)
				require.Equal(t, tc.want, api.seen())
			})
		})
	}
}

// If results are refused while a step runs, that step is the last one of the call, and
// the response has all results.
func TestCheckpointIntervalIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var api memoryAPI
		app := api.app(t, answered(http.StatusNotFound, "404 page not found"), onSignUp(sequence("a", "b", "c", "d", "e"),
			flow.Checkpoint(flow.BatchSteps(10), flow.BatchInterval(15*time.Second))))
		resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
		require.Equal(t, []string{"StepRun a", "StepRun b", "StepRun c"}, listed(ops(t, resp)))
		require.Equal(t, []sentAt{{25 * time.Second, []string{"a", "b"}}}, api.seen())
	})
}

// Nothing is sent after a call has ended, however it ended.
func TestNoCheckpointAfterTheCall(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(){
		"its goroutine ends": runtime.Goexit, "the response panics": func() {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var api memoryAPI
				app := api.app(t, answered(http.StatusBadRequest, ""), onSignUp(func(ctx context.Context, in input) (any, error) {
					_, _ = sequence("a")(ctx, in)
					end()
					return panics{}, nil
				}, flow.Checkpoint(flow.BatchSteps(10), flow.BatchInterval(time.Minute))))
				req := callRequest(t, signUpEnvelope(user{}))
				go app.Do(t.Context(), req)
				time.Sleep(time.Hour)
				for _, sent := range api.seen() {
					require.Equal(t, 10*time.Second, sent.after)
				}
			})
		})
	}
}

// A call that has used its maximum runtime ends with a step. The response has the result of
// that step, from which every server continues. The results before it are sent.
func TestCheckpointMaxRuntime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options []flow.CheckpointOption
		status  int
		sent    [][]string
		want    []string
	}{
		"each step":  {nil, http.StatusOK, [][]string{{"a"}, {"b"}}, []string{"StepRun c"}},
		"many steps": {[]flow.CheckpointOption{flow.BatchSteps(10)}, http.StatusOK, [][]string{{"a", "b"}}, []string{"StepRun c"}},
		"not taken": {[]flow.CheckpointOption{flow.BatchSteps(10)}, http.StatusBadRequest, [][]string{{"a", "b"}},
			[]string{"StepRun a", "StepRun b", "StepRun c"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var api memoryAPI
				app := api.app(t, answered(tc.status, ""), onSignUp(sequence("a", "b", "c", "d"),
					flow.Checkpoint(append(tc.options, flow.MaxRuntime(25*time.Second))...)))
				require.ElementsMatch(t, tc.want, listed(ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))))
				var sent [][]string
				for _, s := range api.seen() {
					sent = append(sent, s.steps)
				}
				require.Equal(t, tc.sent, sent)
			})
		})
	}
}

// A checkpoint is sent like all requests to the API, and contains what identifies the call
// to the server.
func TestCheckpointRequest(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	handler := func(ctx context.Context, _ input) (string, error) {
		_ = stepOf("a", new(string))(ctx)
		return "done", stepOf("a", new(string))(ctx)
	}
	e := signUpEnvelope(user{})
	e.Context["qi_id"], e.Context["request_id"], e.Context["generation_id"] = "q1", "r1", 3
	start := time.Now()
	config := inngestkit.Config{Dev: true, BaseURL: server.URL, Env: "branch", HTTPClient: server.Client()}
	app, l := newAppWith(t, config, onSignUp(handler, flow.Checkpoint(flow.BatchSteps(2))))
	require.Equal(t, `"done"`, string(callFn(t.Context(), t, app, e).Body))
	require.NotContains(t, l.String(), "did not take")

	requests, bodies := server.seen()
	require.Len(t, requests, 2, "it is tried again")
	require.Equal(t, bodies[0], bodies[1])
	require.Equal(t, "/v1/checkpoint/01J0000000000000000000000/async", requests[0].URL.Path)
	require.Equal(t, http.MethodPost, requests[0].Method)
	require.Equal(t, "branch", requests[0].Header.Get("X-Inngest-Env"))
	require.Equal(t, "go:v0.16.0", requests[0].Header.Get("X-Inngest-Sdk"))
	require.Equal(t, "application/json", requests[0].Header.Get("Content-Type"))
	var sent struct {
		Started int64            `json:"request_started_at"`
		Steps   []map[string]any `json:"steps"`
	}
	require.NoError(t, json.Unmarshal([]byte(bodies[0]), &sent))
	require.WithinRange(t, time.UnixMilli(sent.Started), start.Truncate(time.Millisecond), time.Now())
	var all map[string]any
	require.NoError(t, json.Unmarshal([]byte(bodies[0]), &all))
	delete(all, "steps")
	delete(all, "request_started_at")
	require.Equal(t, map[string]any{
		"run_id": "01J0000000000000000000000", "fn_id": "6a1e4d3b-4d2c-4f0e-9a55-0c6a2c5d1f10",
		"qi_id": "q1", "request_id": "r1", "generation_id": 3.0,
	}, all)

	// The operations are those that the SDK would send.
	app, _ = newAppWith(t, config, onSignUp(handler))
	second := ops(t, callFn(t.Context(), t, app, e.done("a", "a")))[0]
	require.NotZero(t, sent.Steps[1]["timing"].(map[string]any)["a"])
	for _, op := range []map[string]any{second, sent.Steps[1]} {
		require.Contains(t, op, "timing")
		delete(op, "timing")
		for key, value := range op {
			if value == nil {
				delete(op, key)
			}
		}
	}
	require.Equal(t, second, sent.Steps[1])
	require.Equal(t, map[string]any{"id": "a", "index": 1.0}, sent.Steps[1]["userland"])
}

// A response that is not from an Inngest server counts as a refusal.
func TestCheckpointGetsAForeignResponse(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) { _, _ = io.WriteString(w, "<html>") })
	app, l := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, onSignUp(sequenceAtOnce("a", "b"), flow.Checkpoint()))
	require.Equal(t, []string{"StepRun a"}, listed(ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))))
	require.Contains(t, l.String(), "the server did not take a checkpoint")
	require.Contains(t, l.String(), "did not come from an Inngest server")

	app, _ = newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, onSignUp(sequenceAtOnce("a", "b"), flow.Checkpoint()))
	e := signUpEnvelope(user{})
	e.Context["run_id"] = "../../e"
	require.Equal(t, []string{"StepRun a"}, listed(ops(t, callFn(t.Context(), t, app, e))))
	requests, _ := server.seen()
	require.Len(t, requests, 1, "a run ID does not change the URL")
}

// sequenceAtOnce is sequence with steps that take no time.
func sequenceAtOnce(ids ...string) func(context.Context, input) (string, error) {
	return func(ctx context.Context, _ input) (string, error) {
		for _, id := range ids {
			if err := stepOf(id, new(string))(ctx); err != nil {
				return "", err
			}
		}
		return "done", nil
	}
}

// Unsent results are sent before a step hands over, and the response has the rest.
func TestCheckpointsBeforeAYield(t *testing.T) {
	t.Parallel()
	many := checkpoint.Config{BatchSteps: 10}
	for name, tc := range map[string]struct {
		then func(ctx context.Context) error
		sent []string
		want []string
	}{
		"sleep": {func(ctx context.Context) error { step.Sleep(ctx, "nap", time.Hour); return nil },
			[]string{"StepRun a"}, []string{"Sleep nap"}},
		"parallel": {func(ctx context.Context) error {
			return step.Parallel(ctx, stepOf("b", new(string)), stepOf("c", new(string)))
		},
			[]string{"StepRun a"}, []string{"StepPlanned b", "StepPlanned c"}},
		"swallowed": {func(ctx context.Context) error {
			defer func() { _ = recover() }()
			step.Sleep(ctx, "nap", time.Hour)
			return nil
		}, []string{"StepRun a"}, []string{"Sleep nap"}},
		"a step of the SDK's own": {func(ctx context.Context) error {
			_, err := sdkstep.Run(ctx, "b", func(context.Context) (string, error) { return "b", nil })
			step.Sleep(ctx, "nap", time.Hour)
			return err
		}, []string{"StepRun a", "StepRun b"}, []string{"Sleep nap"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := func(ctx context.Context, _ input) (string, error) {
				_ = stepOf("a", new(string))(ctx)
				return "done", tc.then(ctx)
			}
			app, server := newCheckpointing(t, http.StatusOK, many, handler)
			require.Equal(t, tc.want, listed(ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))))
			require.Equal(t, tc.sent, checkpoints(t, server))

			app, _ = newCheckpointing(t, http.StatusBadRequest, many, handler)
			require.Equal(t, append(tc.sent, tc.want...), listed(ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))))
		})
	}
}

// The results of a call reach the server even after its caller has hung up.
func TestCheckpointsOfACallerThatHungUp(t *testing.T) {
	t.Parallel()
	ctx, hangUp := context.WithCancel(t.Context())
	app, server := newCheckpointing(t, http.StatusOK, checkpoint.Config{BatchSteps: 10}, func(ctx context.Context, _ input) (string, error) {
		_, err := step.Run(ctx, "a", func(context.Context) (string, error) { hangUp(); return "a", nil })
		<-ctx.Done()
		return "done", err
	})
	resp := callFn(ctx, t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusInternalServerError, resp.Status)
	require.Contains(t, message(t, resp), "the caller hung up")
	require.Equal(t, []string{"StepRun a"}, checkpoints(t, server))
}

// A call whose results were refused is over, whatever the function does.
func TestNoStepAfterARefusedCheckpoint(t *testing.T) {
	t.Parallel()
	app, server := newCheckpointApp(t, http.StatusBadRequest, func(ctx context.Context, _ input) (out string, err error) {
		defer func() {
			_ = recover()
			err = stepOf("c", new(string))(ctx)
		}()
		defer func() { _ = stepOf("b", new(string))(ctx) }()
		return "done", stepOf("a", new(string))(ctx)
	})
	require.Equal(t, []string{"StepRun a"}, listed(ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))))
	require.Equal(t, [][]string{{"a"}}, batches(t, server))
}

// The same applies after a step that has failed.
func TestNoStepAfterAFailedStep(t *testing.T) {
	t.Parallel()
	app, server := newCheckpointApp(t, http.StatusOK, func(ctx context.Context, _ input) (out string, err error) {
		defer func() {
			_ = recover()
			err = stepOf("c", new(string))(ctx)
		}()
		_ = stepOf("a", new(string))(ctx)
		return "done", failingStep(errors.New("boom"))(ctx)
	})
	require.Equal(t, []string{"StepError b"}, listed(ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))))
	require.Equal(t, [][]string{{"a"}}, batches(t, server))
}

// An output that is not JSON is an error, also after results.
func TestCheckpointsBeforeABadOutput(t *testing.T) {
	t.Parallel()
	app, server := newCheckpointing(t, http.StatusOK, checkpoint.Config{BatchSteps: 10}, func(ctx context.Context, _ input) (any, error) {
		return make(chan int), stepOf("a", new(string))(ctx)
	})
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusBadRequest, resp.Status, "another try would return the same")
	require.Contains(t, message(t, resp), `the output of function "fn", of Go type chan int, is not JSON: json: unsupported type`)
	require.Equal(t, []string{"StepRun a"}, checkpoints(t, server))
}

// A memoized result that cannot be read does not drop what has run.
func TestCheckpointsBeforeAnUnreadableResult(t *testing.T) {
	t.Parallel()
	handler := func(ctx context.Context, _ input) (greeted, error) {
		_ = stepOf("a", new(string))(ctx)
		return step.Invoke(ctx, "i", greet.Ref(), user{})
	}
	e := signUpEnvelope(user{})
	e.Steps[hashed("i")] = map[string]any{"neither": "data nor error"}
	app, server := newCheckpointing(t, http.StatusOK, checkpoint.Config{BatchSteps: 10}, handler)
	resp := callFn(t.Context(), t, app, e)
	require.Equal(t, http.StatusInternalServerError, resp.Status)
	require.Contains(t, message(t, resp), "neither data nor an error")
	require.Equal(t, []string{"StepRun a"}, checkpoints(t, server))

	app, _ = newCheckpointing(t, http.StatusBadRequest, checkpoint.Config{BatchSteps: 10}, handler)
	require.Equal(t, []string{"StepRun a"}, listed(ops(t, callFn(t.Context(), t, app, e))), "it would run again")
}

// The outcome of a step is final when the results before it have been sent.
func TestOutcomeAfterCheckpoints(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]inngestkit.Outcome{
		http.StatusOK: inngestkit.OutcomeNonRetriable, http.StatusBadRequest: inngestkit.OutcomeRetried,
	} {
		var outcomes []inngestkit.Outcome
		app, _ := newCheckpointing(t, status, checkpoint.Config{BatchSteps: 10}, func(ctx context.Context, _ input) (string, error) {
			_ = stepOf("a", new(string))(ctx)
			return "", failingStep(inngestkit.NoRetry(errors.New("boom")))(ctx)
		}, inngestkit.Use(inngestkit.Middleware{Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
			return func(ctx context.Context, step *inngestkit.StepCall) (any, error) {
				step.OnEnd(func(outcome inngestkit.Outcome, _ error) { outcomes = append(outcomes, outcome) })
				return next(ctx, step)
			}
		}}))
		callFn(t.Context(), t, app, signUpEnvelope(user{}))
		require.Equal(t, []inngestkit.Outcome{inngestkit.OutcomeCompleted, want}, outcomes)
	}
}

// The server counts the attempts of a call. A step that succeeds after a retry ends the call,
// so the steps after it, and the function, have attempts of their own.
func TestStepAfterARetriedOne(t *testing.T) {
	t.Parallel()
	for _, config := range []checkpoint.Config{{BatchSteps: 1}, {BatchSteps: 10}} {
		app, server := newCheckpointing(t, http.StatusOK, config, func(ctx context.Context, in input) (string, error) {
			if _, err := sequenceAtOnce("a")(ctx, in); err != nil {
				return "", err
			}
			return "", failingStep(errors.New("boom"))(ctx)
		})
		e := signUpEnvelope(user{})
		e.Context["attempt"] = 3 // the last one
		require.Equal(t, []string{"StepRun a"}, listed(ops(t, callFn(t.Context(), t, app, e))))
		requests, _ := server.seen()
		require.Empty(t, requests)
		e = e.done("a", "a")
		e.Context["attempt"] = 0
		require.Equal(t, []string{"StepError b"}, listed(ops(t, callFn(t.Context(), t, app, e))), "it is tried again")
	}
}
