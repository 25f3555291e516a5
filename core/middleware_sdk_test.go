package inngestkit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/inngest/inngestgo/middleware"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// sdkTrace is middleware written for the SDK that records its hooks.
type sdkTrace struct {
	middleware.BaseMiddleware

	trace  *trace
	change func(input *middleware.TransformableInput)
}

func (m *sdkTrace) TransformInput(_ context.Context, call middleware.CallContext, input *middleware.TransformableInput) {
	m.trace.addf("input of %s: %v, %d events, %d steps", call.FunctionOpts.ID, input.Event.Data["id"], len(input.Events), len(input.Steps))
	input.WithContext(context.WithValue(input.Context(), tenantKey{}, "acme"))
	if m.change != nil {
		m.change(input)
	}
}

func (m *sdkTrace) BeforeExecution(ctx context.Context, _ middleware.CallContext) {
	m.trace.addf("before, for %v", ctx.Value(tenantKey{}))
}

func (m *sdkTrace) AfterExecution(ctx context.Context, _ middleware.CallContext, result any, err error) {
	m.trace.addf("after %v %v, for %v", result, err, ctx.Value(tenantKey{}))
}

func (m *sdkTrace) TransformOutput(ctx context.Context, _ middleware.CallContext, output *middleware.TransformableOutput) {
	m.trace.addf("output, for %v", ctx.Value(tenantKey{}))
	output.Result = fmt.Sprint("sealed ", output.Result)
}

func (m *sdkTrace) OnPanic(_ context.Context, _ middleware.CallContext, recovered any, stack string) {
	m.trace.addf("panic %v %t", recovered, stack != "")
}

func usesSDK(tr *trace, change func(*middleware.TransformableInput)) inngestkit.Option {
	return inngestkit.Use(inngestkit.SDKMiddleware(func() middleware.Middleware { return &sdkTrace{trace: tr, change: change} }))
}

// Guards for hazards 6, 7 and 8: the hooks get every output, the context, and the memoized
// results.
func TestSDKMiddleware(t *testing.T) {
	t.Parallel()
	var tr trace
	app, _ := newApp(t, onSignUp(func(ctx context.Context, in input) (string, error) {
		kept, err := step.Run(ctx, "a", func(context.Context) (string, error) { return "a", nil })
		if err != nil {
			return "", err
		}
		if in.Event.Data.ID == "sleepy" {
			step.Sleep(ctx, "nap", 1)
		}
		return kept, nil
	}, usesSDK(&tr, nil)))

	require.Equal(t, "sealed a", ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{ID: "u1"})))[0]["data"])
	require.Equal(t, []string{
		"input of fn: u1, 1 events, 0 steps", "before, for acme", "after a <nil>, for acme", "output, for acme",
	}, tr.take())

	resp := callFn(t.Context(), t, app, signUpEnvelope(user{ID: "u1"}).done("a", "kept"))
	require.Equal(t, `"sealed kept"`, string(resp.Body))
	require.Equal(t, []string{
		"input of fn: u1, 1 events, 1 steps", "before, for acme", "after kept <nil>, for acme", "output, for acme",
	}, tr.take())

	require.Len(t, ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{ID: "sleepy"}).done("a", "kept"))), 1)
	require.Equal(t, []string{
		"input of fn: sleepy, 1 events, 1 steps", "before, for acme", "after <nil> <nil>, for acme",
	}, tr.take())
}

func TestSDKMiddlewareChangesEvents(t *testing.T) {
	t.Parallel()
	const big = 1<<53 + 1
	var tr trace
	change := func(input *middleware.TransformableInput) {
		if input.Event.Data["id"] == "secret" {
			input.Event.Data["id"] = "decrypted"
		}
		if len(input.Events) > 1 {
			input.Events[1].Data["id"] = "second"
		}
	}
	app, _ := newApp(t, onSignUp(func(_ context.Context, in input) (any, error) {
		return in.Events, nil
	}, usesSDK(&tr, change), onFunction(
		func(ctx context.Context, call *inngestkit.FunctionCall, next inngestkit.FunctionHandler) (any, error) {
			output, err := next(ctx, call)
			encoded, _ := json.Marshal(output)
			tr.addf("%s", encoded)
			return output, err
		})))
	e := signUpEnvelope(user{ID: "u1", Number: big})
	require.Equal(t, http.StatusOK, callFn(t.Context(), t, app, e).Status)
	require.Contains(t, tr.take()[2], `{"id":"u1","number":9007199254740993}`, "an event that is not changed keeps all digits")

	e = signUpEnvelope(user{ID: "secret"})
	e.Events = append(e.Events, map[string]any{"name": "n", "data": user{ID: "u2"}}, map[string]any{"name": "n", "data": user{Number: big}})
	require.Equal(t, http.StatusOK, callFn(t.Context(), t, app, e).Status)
	seen := tr.take()[2]
	require.Contains(t, seen, `"data":{"id":"decrypted"}`)
	require.Contains(t, seen, `"data":{"id":"second"}`)
	require.Contains(t, seen, `9007199254740993`)
}

func TestSDKMiddlewareSeesPanics(t *testing.T) {
	t.Parallel()
	var tr trace
	app, _ := newApp(t, onSignUp(func(ctx context.Context, in input) (any, error) {
		if in.Event.Data.ID == "outside" {
			panic("outside")
		}
		return step.Run(ctx, "a", func(context.Context) (any, error) { panic("inside") })
	}, usesSDK(&tr, nil)))
	callFn(t.Context(), t, app, signUpEnvelope(user{ID: "outside"}))
	require.Equal(t, []string{"before, for acme", "after <nil> <nil>, for acme", "panic outside true"}, tr.take()[1:])
	callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, []string{"before, for acme", "after <nil> <nil>, for acme", "panic inside true"}, tr.take()[1:])
}

// Guard for hazard 6: with checkpoints, one call runs several steps. Each output is
// transformed, so nothing leaves in plain text.
func TestSDKMiddlewareWithCheckpoints(t *testing.T) {
	t.Parallel()
	var tr trace
	server := newAPI(t, func(http.ResponseWriter, *http.Request, int) {})
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, onSignUp(
		func(ctx context.Context, _ input) (string, error) {
			for _, id := range []string{"a", "b"} {
				if _, err := step.Run(ctx, id, func(context.Context) (string, error) { return id, nil }); err != nil {
					return "", err
				}
			}
			return "done", nil
		}, flow.Checkpoint(), usesSDK(&tr, nil)))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{ID: "u1"}))
	require.Equal(t, `"sealed done"`, string(resp.Body))
	_, bodies := server.seen()
	require.Len(t, bodies, 2)
	require.Contains(t, bodies[0], `"data":"sealed a"`)
	require.Contains(t, bodies[1], `"data":"sealed b"`)
	var want []string
	for _, output := range []string{"a", "b", "done"} {
		want = append(want, "before, for acme", "after "+output+" <nil>, for acme", "output, for acme")
	}
	require.Equal(t, want, tr.take()[1:])
}
