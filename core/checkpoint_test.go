package inngestkit_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// With checkpoints one call runs step after step, and their results go to the
// API meanwhile. The pinned server has no such API, so this shows it by the
// protocol alone.
func TestCheckpoint(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		option inngestkit.Option
		want   [][]string // the steps in each request
	}{
		{"each step", flow.Checkpoint(), [][]string{{"a"}, {"b"}, {"c"}, {"d"}}},
		{"every two steps", flow.Checkpoint(flow.BatchSteps(2)), [][]string{{"a", "b"}, {"c", "d"}}},
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
