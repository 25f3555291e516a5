package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/pkg/checkpoint"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
	"github.com/inngestkit/inngestkit/core/step"
)

// With checkpoints, one call runs several steps. Their results are sent to the API meanwhile,
// the last ones before the response.
func TestCheckpoint(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		option inngestkit.Option
		want   [][]string // the steps in each request
	}{
		{"each step", flow.Checkpoint(), [][]string{{"a"}, {"b"}, {"c"}, {"d"}}},
		{"every two steps", flow.Checkpoint(flow.BatchSteps(2)), [][]string{{"a", "b"}, {"c", "d"}}},
		{"every three steps", flow.Checkpoint(flow.BatchSteps(3)), [][]string{{"a", "b", "c"}, {"d"}}},
		{"more steps than there are", flow.Checkpoint(flow.BatchSteps(10)), [][]string{{"a", "b", "c", "d"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server := newAPI(t, func(http.ResponseWriter, *http.Request, int) {})
			app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, onSignUp(
				func(ctx context.Context, _ input) (string, error) {
					for _, id := range []string{"a", "b", "c", "d"} {
						if _, err := step.Run(ctx, id, func(context.Context) (string, error) { return "from " + id, nil }); err != nil {
							return "", err
						}
					}
					return "done", nil
				}, tc.option))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
			require.Equal(t, `"done"`, string(resp.Body))
			require.Equal(t, tc.want, batches(t, server))
		})
	}
}

// batches records the names of the steps in each request to a server.
func batches(t *testing.T, server *api) [][]string {
	t.Helper()
	_, bodies := server.seen()
	got := make([][]string, len(bodies))
	for i, body := range bodies {
		got[i] = batch(t, body)
	}
	return got
}

// batch returns the names of the steps in the body of a checkpoint.
func batch(t *testing.T, body string) []string {
	t.Helper()
	var sent struct {
		Steps []struct {
			Op   string `json:"op"`
			Name string `json:"name"`
			ID   string `json:"id"`
		} `json:"steps"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &sent))
	var names []string
	for _, s := range sent.Steps {
		require.Equal(t, "StepRun", s.Op)
		require.Equal(t, hashed(s.Name), s.ID)
		names = append(names, s.Name)
	}
	return names
}

// Guard: the response to a call for one step has that step. The SDK treats the step as a
// checkpoint, stops, and responds with a completed run.
func TestCallForOneStepWithCheckpoints(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(http.ResponseWriter, *http.Request, int) {})
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, onSignUp(
		func(ctx context.Context, _ input) (string, error) {
			for _, id := range []string{"a", "b"} {
				if _, err := step.Run(ctx, id, func(context.Context) (string, error) { return id, nil }); err != nil {
					return "", err
				}
			}
			return "done", nil
		}, flow.Checkpoint()))
	resp := app.Do(t.Context(), request(http.MethodPost, "fnId=app-fn&stepId="+hashed("a"), signUpEnvelope(user{}).json(t)))
	answered := ops(t, resp)
	require.Len(t, answered, 1)
	require.Equal(t, "a", answered[0]["name"])
	requests, _ := server.seen()
	require.Empty(t, requests)
}

// Guard: with an error, the SDK drops the results that it has not sent, and their steps would
// run again. The app sends these results first and then the error: in the same call, unless the
// server refuses the results or, in adopted functions, the SDK sends them in the response.
func TestErrorsBetweenCheckpoints(t *testing.T) { //nolint:paralleltest // the SDK's checkpoints go through http.DefaultTransport, whose connections other tests close
	boom := errors.New("boom")
	batch := func(n int) checkpoint.Config { return checkpoint.Config{BatchSteps: n} }
	fails := func(context.Context) error { return boom }
	for _, tc := range []struct {
		name    string
		config  checkpoint.Config
		then    func(ctx context.Context) error
		adopted string // the operation of the first call of an adopted function, "" if there is none
		last    func(t *testing.T, resp *adapter.Response)
	}{
		{"step, unsent", batch(2), failingStep(boom), "a", isStepError("StepError", "false")},
		{"step for good, unsent", batch(2), failingStep(inngestkit.NoRetry(boom)), "a", isStepError("StepFailed", "true")},
		{"step, sent", batch(1), failingStep(boom), "", isStepError("StepError", "false")},
		{"step for good, sent", batch(1), failingStep(inngestkit.NoRetry(boom)), "", isStepError("StepFailed", "true")},
		{"step, perhaps sent", checkpoint.Config{BatchInterval: time.Minute}, failingStep(boom), "", isStepError("StepError", "false")},
		{"function, unsent", batch(3), fails, "a", isFailure(500, "false")},
		{"function for good, sent", batch(1), func(context.Context) error { return inngestkit.NoRetry(boom) }, "", isFailure(400, "true")},
		{"panic, unsent", batch(3), func(context.Context) error { panic("boom") }, "a", isFailure(500, "false")},
		{"branch, unsent", batch(3), func(ctx context.Context) error { return step.Parallel(ctx, fails) }, "a", isFailure(500, "false")},
	} {
		handler := func(ctx context.Context, _ input) (any, error) {
			if err := stepOf("a", new(string))(ctx); err != nil {
				return nil, err
			}
			return nil, tc.then(ctx)
		}
		// ends checks that the response to the first call has the operation first, if there
		// is one, and the response to the last call the error.
		ends := func(t *testing.T, app *inngestkit.App, first string) {
			t.Helper()
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			if first != "" {
				require.Equal(t, []string{"StepRun " + first}, listed(ops(t, resp)))
				resp = callFn(t.Context(), t, app, signUpEnvelope(user{}).done("a", "a"))
			}
			tc.last(t, resp)
		}
		t.Run(tc.name, func(t *testing.T) {
			app, server := newCheckpointing(t, http.StatusOK, tc.config, handler)
			ends(t, app, "")
			require.Equal(t, []string{"StepRun a"}, checkpoints(t, server))
		})
		t.Run(tc.name+", not taken", func(t *testing.T) {
			app, _ := newCheckpointing(t, http.StatusBadRequest, tc.config, handler)
			ends(t, app, "a")
		})
		t.Run(tc.name+", adopted", func(t *testing.T) {
			ends(t, adoptCheckpointing(t, http.StatusOK, tc.config, handler), tc.adopted)
		})
		t.Run(tc.name+", adopted, not taken", func(t *testing.T) {
			ends(t, adoptCheckpointing(t, http.StatusBadRequest, tc.config, handler), "a")
		})
	}
}

// newCheckpointing returns an app with the function fn, which sends checkpoints, and its API,
// which responds to them with status.
func newCheckpointing[R any](
	t *testing.T, status int, config checkpoint.Config, handler func(ctx context.Context, in input) (R, error), options ...inngestkit.Option,
) (*inngestkit.App, *api) {
	t.Helper()
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(status) })
	options = append(options, fnconfig.Func(func(c *fnconfig.Config) { c.Options.Checkpoint = &config }))
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, onSignUp(handler, options...))
	return app, server
}

// adoptCheckpointing is newCheckpointing for a function of the bare SDK.
func adoptCheckpointing(
	t *testing.T, status int, config checkpoint.Config, handler func(ctx context.Context, in input) (any, error),
) *inngestkit.App {
	t.Helper()
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(status) })
	client, _ := sdkClient(t, func(o *inngestgo.ClientOpts) { o.APIBaseURL = &server.URL })
	_, err := inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "fn", Checkpoint: &config},
		inngestgo.EventTrigger("user/signed-up", nil), handler)
	require.NoError(t, err)
	app, err := inngestkit.FromClient(client)
	require.NoError(t, err)
	return app
}

func failingStep(err error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		_, err := step.Run(ctx, "b", func(context.Context) (int, error) { return 7, err })
		return err
	}
}

func isStepError(op, noRetry string) func(t *testing.T, resp *adapter.Response) {
	return func(t *testing.T, resp *adapter.Response) {
		t.Helper()
		got := ops(t, resp)
		require.Len(t, got, 1)
		require.Equal(t, op, got[0]["op"])
		require.Equal(t, hashed("b"), got[0]["id"])
		require.Equal(t, "b", got[0]["name"])
		require.Equal(t, map[string]any{"id": "b"}, got[0]["userland"])
		failed := got[0]["error"].(map[string]any)
		require.Equal(t, "boom", failed["message"])
		require.InDelta(t, 7, failed["data"], 0)
		require.Equal(t, noRetry == "true", resp.Header.Get("X-Inngest-No-Retry") == "true")
	}
}

func isFailure(status int, noRetry string) func(t *testing.T, resp *adapter.Response) {
	return func(t *testing.T, resp *adapter.Response) {
		t.Helper()
		require.Equal(t, status, resp.Status, "%s", resp.Body)
		require.Contains(t, message(t, resp), "boom")
		require.Equal(t, noRetry, resp.Header.Get("X-Inngest-No-Retry"))
	}
}
