package engine

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// invoking returns a function that invokes another one and returns its result or its error.
func invoking(app, function string, options ...step.InvokeOption) inngestkit.Function {
	return on("caller", "x", func(ctx context.Context, in input) (any, error) {
		ref := inngestkit.Ref[data, any]{AppID: app, FunctionID: function}
		result, err := step.Invoke(ctx, "call", ref, in.Event.Data, options...)
		if err != nil {
			var failed step.Error
			if !errors.As(err, &failed) {
				return nil, err
			}
			return map[string]any{"name": failed.Name, "message": failed.Message, "timeout": errors.Is(err, step.ErrTimeout)}, nil
		}
		return map[string]any{"result": result}, nil
	})
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	callee := func(result any, err error, options ...inngestkit.Option) inngestkit.Function {
		return on("callee", "never", func(ctx context.Context, _ input) (any, error) {
			step.Sleep(ctx, "sleep", time.Minute)
			return result, err
		}, options...)
	}
	for name, test := range map[string]struct {
		callee  inngestkit.Function
		options []step.InvokeOption
		want    string
		oldest  string
	}{
		"value":     {callee(data{ID: "r"}, nil), nil, `{"result":{"id":"r"}}`, ""},
		"text":      {callee(`{"a":1}`, nil), nil, `{"result":"{\"a\":1}"}`, ""},
		"null":      {callee(nil, nil), nil, `{"result":null}`, ""},
		"error":     {callee(nil, inngestkit.NoRetry(errors.New("no stock"))), nil, `{"name":"Error","message":"no stock","timeout":false}`, ""},
		"timeout":   {callee(1, nil), []step.InvokeOption{step.Timeout(time.Second)}, `{"name":"InngestInvokeTimeoutError","message":"Timed out waiting for invoked function to complete","timeout":true}`, ""},
		"not found": {on("other", "y", echo), nil, `{"name":"Error","message":"could not find function with ID: test-callee","timeout":false}`, ""},
		"throttled": {callee(1, nil, flow.Throttle(1, time.Hour)), nil, `{"result":1}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachVersion(t, func(t *testing.T, v version.Version) {
				s := newSite(t, Config{Version: v}, invoking("", "callee", test.options...), test.callee)
				s.send("x", data{ID: "1"})
				s.pass(time.Hour)
				require.JSONEq(t, test.want, string(s.only("caller").Output), s.text())
				require.Empty(t, s.invocations)
			})
		})
	}
}

func TestInvokedRunIsCancelled(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, v version.Version) {
		s := newSite(t, Config{Version: v}, invoking("", "callee"), on("callee", "never", func(ctx context.Context, _ input) (any, error) {
			step.Sleep(ctx, "sleep", time.Hour)
			return nil, nil
		}, flow.CancelOn(inngestkit.DefineEvent[data]("stop"))))
		s.send("x", data{ID: "1"})
		s.pass(time.Minute)
		s.send("stop", data{})
		s.settle()
		require.Equal(t, Cancelled, s.only("callee").Status)
		if v == version.Oldest {
			require.JSONEq(t, `{"name":"Error","message":"function cancelled","timeout":false}`, string(s.only("caller").Output))
			return
		}
		s.says("receives the event of the cancelled run instead of a result")
		var got struct {
			Result struct {
				FunctionID string `json:"function_id"`
			} `json:"result"`
		}
		require.NoError(t, json.Unmarshal(s.only("caller").Output, &got), "%s", s.only("caller").Output)
		require.Equal(t, "test-callee", got.Result.FunctionID)
	})
}

func TestInvokedFunctionIsRateLimited(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, v version.Version) {
		s := newSite(t, Config{Version: v}, invoking("", "callee"), on("callee", "never", echo, flow.RateLimit(1, time.Hour)))
		s.send("x", data{ID: "1"})
		s.send("x", data{ID: "2"})
		s.settle()
		require.Equal(t, []string{
			`{"result":"1"}`, `{"message":"invoked function is rate limited","name":"Error","timeout":false}`,
		}, s.outputs("caller"))
	})
}

func TestInvokeAnotherApp(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, invoking("billing", "callee"))
	s.add("billing", on("callee", "never", echo))
	s.send("x", data{ID: "1"})
	s.settle()
	require.Equal(t, []string{`{"result":"1"}`}, s.outputs("caller"))
	require.Equal(t, "billing-callee", s.Runs()[1].Function.Slug)
	require.Len(t, s.Functions(), 2)
}

func TestMock(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, invoking("billing", "callee"))
	s.Mock("billing-callee", func(d json.RawMessage, ev *Event) (json.RawMessage, error) {
		require.NotEmpty(t, s.Functions(), "a mock may call the engine")
		require.Equal(t, functionInvoked, ev.Name)
		if string(d) == `{"id":"bad"}` {
			return nil, errors.New("declined")
		}
		return d, nil
	})
	s.send("x", data{ID: "good"})
	s.send("x", data{ID: "bad"})
	s.settle()
	require.Equal(t, []string{`{"result":{"id":"good"}}`, `{"message":"declined","name":"Error","timeout":false}`}, s.outputs("caller"))

	s.Mock("billing-callee", nil)
	s.send("x", data{ID: "good"})
	s.settle()
	require.Contains(t, s.outputs("caller")[2], "could not find function")
}

func TestInvokeAsTheUIDoes(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "never", echo))
	id, err := s.Invoke("test-f", json.RawMessage(`{"id":"1"}`))
	require.NoError(t, err)
	s.settle()
	require.Equal(t, `"1"`, string(s.only("f").Output))
	require.Equal(t, s.Runs(), s.RunsOf(id))

	_, err = s.Invoke("test-g", nil)
	require.ErrorContains(t, err, `cannot invoke "test-g": no app has registered a function with this ID`)
	_, err = s.Invoke("test-f", json.RawMessage(`7`))
	require.ErrorContains(t, err, "the data of an event is a JSON object")
}

func TestInvokedBatch(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, invoking("", "callee"), on("callee", "never", func(_ context.Context, in input) (any, error) {
		return len(in.Events), nil
	}, flow.BatchEvents(2, time.Minute)))
	s.send("x", data{ID: "1"})
	s.send("x", data{ID: "2"})
	s.pass(2 * time.Minute)
	require.Equal(t, []string{`{"result":2}`, `{"result":2}`}, s.outputs("caller"))
	require.Len(t, s.runsOf("callee"), 1)
}

func TestUpdatedApp(t *testing.T) {
	t.Parallel()
	handler := func(text string) func(context.Context, input) (any, error) {
		return func(ctx context.Context, _ input) (any, error) {
			step.Sleep(ctx, "sleep", time.Hour)
			return text, nil
		}
	}
	s := newSite(t, Config{}, on("f", "x", handler("old")), on("gone", "x", handler("old"), flow.Retries(0)),
		inngestkit.OnCron("c", "0 9 * * *", func(context.Context, inngestkit.CronInput) (any, error) { return nil, nil }))
	s.send("x", data{})
	s.settle()
	s.add("test", on("f", "x", handler("new"), flow.Retries(1)), on("added", "x", handler("new")))
	require.Len(t, s.Functions(), 2)
	s.pass(2 * time.Hour)
	require.Equal(t, `"new"`, string(s.only("f").Output), "runs under way continue in the new version")
	require.Equal(t, Failed, s.only("gone").Status, s.text())
	require.Empty(t, s.runsOf("c"))
	require.Equal(t, 2, s.Functions()[0].MaxAttempts)
	s.send("x", data{})
	s.settle()
	require.Len(t, s.runsOf("f"), 2)
	require.Len(t, s.runsOf("gone"), 1)
}

func TestAppThatCannotBeSynced(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{})
	app, err := inngestkit.New(inngestkit.Config{AppID: "cloud", SigningKey: "signkey-test-0123456789abcdef0123456789abcdef", Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.NoError(t, app.Register(on("f", "x", echo)))
	err = s.AddApp(t.Context(), &App{ID: "cloud", Do: app.Do})
	require.ErrorContains(t, err, `app "cloud" cannot be synced: it responded with status 401`)
	require.NoError(t, s.AddApp(t.Context(), &App{ID: "cloud", Do: app.Do, SigningKey: "signkey-test-0123456789abcdef0123456789abcdef"}))
	s.send("x", data{ID: "1"})
	s.settle()
	require.Equal(t, `"1"`, string(s.only("cloud-f").Output))
}
