package engine

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// The data of the server's events was recorded on both servers.
func TestEventsOfEndedRuns(t *testing.T) {
	t.Parallel()
	stop := inngestkit.DefineEvent[data]("stop")
	for name, test := range map[string]struct {
		handler func(context.Context, input) (any, error)
		name    string // of the second event
		status  string
		data    string // in addition to what all have
		oldest  string
	}{
		"completed": {echo, "", "Completed", `"result":"a"`, ""},
		"null":      {func(context.Context, input) (any, error) { return nil, nil }, "", "Completed", `"result":null`, ""},
		"failed": {
			func(context.Context, input) (any, error) { return nil, inngestkit.NoRetry(errors.New("failed")) },
			functionFailed, "Failed",
			`"error":{"error":"NonRetriableError","message":"failed","name":"Error"},"result":{"message":"failed","name":"Error"}`, "",
		},
		"out of attempts": {
			func(context.Context, input) (any, error) { return nil, errors.New("again") },
			functionFailed, "Failed",
			`"error":{"error":"invalid status code: 500","message":"again","name":"Error"},"result":{"message":"again","name":"Error"}`, "",
		},
		"cancelled": {
			func(ctx context.Context, _ input) (any, error) {
				step.Sleep(ctx, "sleep", 24*time.Hour)
				return nil, nil
			}, functionCancelled, "Cancelled", "", `"error":{"error":"function cancelled","message":"function cancelled","name":"Error"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachVersion(t, func(t *testing.T, v version.Version) {
				s := newSite(t, Config{Version: v}, on("f", "x", test.handler, flow.CancelOn(stop)))
				s.sendRaw(`{"id":"1","name":"x","data":{"id":"a"}}`)
				s.pass(time.Hour)
				s.send("stop", data{})
				s.settle()
				run := s.only("f")

				own := test.data
				if v == version.Oldest && test.oldest != "" {
					own = test.oldest
				}
				if own != "" {
					own += ","
				}
				if v == version.Newest {
					own += `"_inngest":{"status":"` + test.status + `"},`
				}
				ts := encode(t, begin.UnixMilli())
				want := `{` + own + `"event":{"data":{"id":"a"},"id":"1","name":"x","ts":` + ts + `,"user":{}},` +
					`"events":[{"data":{"id":"a"},"id":"1","name":"x","ts":` + ts + `}],"function_id":"test-f","run_id":"` + run.ID + `"}`
				var names []string
				for _, ev := range s.Events() {
					if ev.Internal {
						names = append(names, ev.Name)
						require.JSONEq(t, want, string(ev.Data))
						require.Equal(t, ev.Name != functionFinished, ev.ID == run.ID)
					}
				}
				expected := []string{functionFinished}
				if test.name != "" {
					expected = append(expected, test.name)
				}
				require.Equal(t, expected, names)
			})
		})
	}
}

func TestOnFailure(t *testing.T) {
	t.Parallel()
	handled := func(_ context.Context, in inngestkit.Input[inngestkit.FailedRun[data]]) (any, error) {
		return in.Event.Data.Error.Message, errors.New("fails as well")
	}
	s := newSite(t, Config{},
		on("f", "x", func(ctx context.Context, _ input) (any, error) {
			_, err := step.Run(ctx, "step", func(context.Context) (any, error) { return nil, errors.New("step failed") })
			return nil, err
		}, flow.Retries(0), inngestkit.OnFailure(handled, flow.Retries(0))),
		on("other", "x", func(context.Context, input) (any, error) { return nil, inngestkit.NoRetry(errors.New("other")) }),
	)
	s.send("x", data{ID: "a"})
	s.settle()
	require.Equal(t, Failed, s.only("f").Status)
	require.Equal(t, Failed, s.only("f-failure").Status)
	require.Len(t, s.Runs(), 3, "a failed handler is not handled")
	var got struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	require.NoError(t, json.Unmarshal(s.only("f-failure").Events[0].Data, &got))
	require.Equal(t, "step failed", got.Error.Message)
	s.says(`event "inngest/function.failed" starts no run of test-f-failure: its condition`)
}

func TestNoEventsAboutRunsThatHandleEvents(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "x", echo), on("g", functionFinished, echo))
	s.send("x", data{ID: "a"})
	s.settle()
	require.Len(t, s.Runs(), 2)
	require.Len(t, s.Events(), 2)
}
