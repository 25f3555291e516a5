package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// With checkpoints one call runs step after step, and their results go to the
// API meanwhile. The pinned server has no such API, so this shows it by the
// protocol alone.
func TestCheckpoint(t *testing.T) { //nolint:paralleltest // checkpoints go through http.DefaultTransport, whose connections other tests close
	for _, tc := range []struct {
		name   string
		option inngestkit.Option
		want   [][]string // the steps in each request
	}{
		{"each step", flow.Checkpoint(), [][]string{{"a"}, {"b"}, {"c"}, {"d"}}},
		{"every two steps", flow.Checkpoint(flow.BatchSteps(2)), [][]string{{"a", "b"}, {"c", "d"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
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

			requests, bodies := server.seen()
			got := make([][]string, len(requests))
			for i, r := range requests {
				require.Equal(t, "/v1/checkpoint/01J0000000000000000000000/async", r.URL.Path)
				var sent struct {
					Steps []struct {
						Name string `json:"name"`
						Data string `json:"data"`
					} `json:"steps"`
				}
				require.NoError(t, json.Unmarshal([]byte(bodies[i]), &sent))
				for _, s := range sent.Steps {
					require.Equal(t, "from "+s.Name, s.Data)
					got[i] = append(got[i], s.Name)
				}
			}
			require.Equal(t, tc.want, got)
		})
	}
}

// Guard: a call for one step answers with that step. The SDK takes it for a
// checkpoint, runs no further, and answers with a completed run.
func TestCallForOneStepWithCheckpoints(t *testing.T) { //nolint:paralleltest // checkpoints go through http.DefaultTransport, whose connections other tests close
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

// Guard: beside an error, the SDK drops the results that it has not sent, and their
// steps would run again. What is unsent goes first, and the error comes after it.
func TestErrorsBetweenCheckpoints(t *testing.T) { //nolint:paralleltest // checkpoints go through http.DefaultTransport, whose connections other tests close
	boom := errors.New("boom")
	for _, tc := range []struct {
		name    string
		option  inngestkit.Option
		refused bool // by the API
		then    func(ctx context.Context) error
		first   string // the operation of the first call, "" if there is none
		last    func(t *testing.T, resp *inngestkit.Response)
	}{
		{"step, unsent", flow.Checkpoint(flow.BatchSteps(2)), false, failingStep(boom), "a", isStepError("StepError", "false")},
		{"step for good, unsent", flow.Checkpoint(flow.BatchSteps(2)), false, failingStep(inngestkit.NoRetryError(boom)), "a",
			isStepError("StepFailed", "true")},
		{"step, sent", flow.Checkpoint(), false, failingStep(boom), "", isStepError("StepError", "false")},
		{"step for good, sent", flow.Checkpoint(), false, failingStep(inngestkit.NoRetryError(boom)), "", isStepError("StepFailed", "true")},
		{"step, perhaps sent", flow.Checkpoint(flow.BatchInterval(time.Minute)), false, failingStep(boom), "",
			isStepError("StepError", "false")},
		{"step, refused", flow.Checkpoint(), true, failingStep(boom), "a", isStepError("StepError", "false")},
		{"function, unsent", flow.Checkpoint(flow.BatchSteps(3)), false, func(context.Context) error { return boom }, "a", isFailure(500, "false")},
		{"function for good, sent", flow.Checkpoint(), false, func(context.Context) error { return inngestkit.NoRetryError(boom) }, "",
			isFailure(400, "true")},
		{"panic, unsent", flow.Checkpoint(flow.BatchSteps(3)), false, func(context.Context) error { panic("boom") }, "a", isFailure(500, "false")},
		{"branch, unsent", flow.Checkpoint(flow.BatchSteps(3)), false, func(ctx context.Context) error {
			return step.Parallel(ctx, func(context.Context) error { return boom })
		}, "a", isFailure(500, "false")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
				if tc.refused {
					w.WriteHeader(http.StatusBadRequest)
				}
			})
			app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, onSignUp(
				func(ctx context.Context, _ input) (any, error) {
					if _, err := step.Run(ctx, "a", func(context.Context) (string, error) { return "a", nil }); err != nil {
						return nil, err
					}
					return nil, tc.then(ctx)
				}, tc.option))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			if tc.first != "" {
				first := ops(t, resp)
				require.Len(t, first, 1)
				require.Equal(t, tc.first, first[0]["name"])
				require.Equal(t, "StepRun", first[0]["op"])
				resp = callFn(t.Context(), t, app, signUpEnvelope(user{}).done("a", "a"))
			}
			tc.last(t, resp)
		})
	}
}

func failingStep(err error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		_, err := step.Run(ctx, "b", func(context.Context) (int, error) { return 7, err })
		return err
	}
}

func isStepError(op, noRetry string) func(t *testing.T, resp *inngestkit.Response) {
	return func(t *testing.T, resp *inngestkit.Response) {
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

func isFailure(status int, noRetry string) func(t *testing.T, resp *inngestkit.Response) {
	return func(t *testing.T, resp *inngestkit.Response) {
		t.Helper()
		require.Equal(t, status, resp.Status, "%s", resp.Body)
		require.Contains(t, message(t, resp), "boom")
		require.Equal(t, noRetry, resp.Header.Get("X-Inngest-No-Retry"))
	}
}
