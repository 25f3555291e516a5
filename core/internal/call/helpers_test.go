package call_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/middleware"
	"github.com/inngest/inngestgo/pkg/checkpoint"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/envelope"
)

// These tests run calls on the real SDK, with the hooks below instead of the core's.

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type handler = func(ctx context.Context) (any, error)

// given describes a call that the server makes.
type given struct {
	Caller  context.Context
	Steps   map[string]any // memoized results by the name of the step
	Target  string         // the name of the only step that the call is for
	Attempt int
	// PlanFirst is set if the server wants to plan each step before it runs.
	PlanFirst bool
	// Several is set if the call may run several steps, which the SDK would send.
	Several bool
	// Whole is set if the SDK gets the whole envelope.
	Whole       bool
	Checkpoints *call.Checkpoints
	// Output is called with what the SDK gets of each step and of the function.
	Output func(result any)
	Hooks  *fakeHooks
}

// ended describes how a call has ended.
type ended struct {
	*call.Call

	Status int
	Body   string
	Log    string
	// Err is what the function's guard has returned, nil if the call was unwound.
	Err error
}

// serve runs f in a call.
func serve(t *testing.T, g given, f handler) ended {
	t.Helper()
	var log bytes.Buffer
	if g.Caller == nil {
		g.Caller = t.Context()
	}
	if g.Hooks == nil {
		g.Hooks = &fakeHooks{}
	}
	end := ended{Call: &call.Call{
		Identity: call.Identity{FunctionID: "fn", RunID: "run-1", Attempt: g.Attempt, MaxAttempts: 4},
		Hooks:    g.Hooks, Caller: g.Caller, Inner: g.Caller,
		Logger:       slog.New(slog.NewTextHandler(&log, nil)),
		SeveralSteps: g.Several || g.Checkpoints != nil, Checkpoints: g.Checkpoints, SDKReplays: g.Whole,
	}}
	opts := inngestgo.FunctionOpts{ID: "fn"}
	if end.SeveralSteps {
		opts.Checkpoint = &checkpoint.Config{BatchSteps: math.MaxInt}
	}
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{
		AppID: "app", Dev: new(true), Logger: slog.New(slog.DiscardHandler),
		Middleware: []func() middleware.Middleware{func() middleware.Middleware { return &outputs{seen: g.Output} }},
	})
	require.NoError(t, err)
	guarded := guard(f)
	_, err = inngestgo.CreateFunction(client, opts, inngestgo.EventTrigger("e", nil),
		func(ctx context.Context, _ inngestgo.Input[struct{}]) (any, error) {
			c := call.From(ctx)
			ctx, cancel, err := c.Begin(ctx)
			if err != nil {
				return nil, err
			}
			defer cancel()
			output, err := guarded(ctx)
			if c.Yielded() && c.Aborted() == nil {
				call.Yield()
			}
			end.Err = err
			c.Return(output)
			return output, err
		})
	require.NoError(t, err)

	steps := encodeSteps(t, g.Steps)
	stepID := "step"
	if g.Target != "" {
		stepID = call.ID{Name: g.Target}.Key()
	}
	e, err := envelope.Parse(fmt.Appendf(nil,
		`{"event":{},"events":[],"steps":%s,"ctx":{"run_id":"run-1","step_id":%q,"attempt":%d,"max_attempts":4,`+
			`"disable_immediate_execution":%t,"fn_id":"6a1e4d3b-4d2c-4f0e-9a55-0c6a2c5d1f10","stack":{"stack":%s,"current":1}}}`,
		steps, stepID, g.Attempt, g.PlanFirst, encodeStack(t, g.Steps)))
	require.NoError(t, err)
	end.Replay.Start(e, g.Target != "")
	body := e.ForSDK()
	if end.SDKReplays {
		body = e.Whole()
	}
	ctx := call.NewContext(context.WithoutCancel(g.Caller), end.Call)
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/?fnId=app-fn&stepId="+stepID, bytes.NewReader(body))
	w := httptest.NewRecorder()
	client.Serve().ServeHTTP(w, r)
	end.FillIn(w.Body)
	end.Status, end.Body, end.Log = w.Code, strings.TrimSpace(w.Body.String()), log.String()
	return end
}

// outputs is middleware of the SDK's client.
type outputs struct {
	middleware.BaseMiddleware

	seen func(result any)
}

func (o *outputs) TransformOutput(_ context.Context, _ middleware.CallContext, out *middleware.TransformableOutput) {
	if o.seen != nil {
		o.seen(out.Result)
	}
}

func encodeSteps(t *testing.T, steps map[string]any) []byte {
	t.Helper()
	byKey := map[string]any{}
	for name, result := range steps {
		key := call.ID{Name: name}.Key()
		switch result.(type) {
		case failure:
			byKey[key] = map[string]any{"error": result}
		case json.RawMessage: // as the server sends events
			byKey[key] = result
		default:
			byKey[key] = map[string]any{"data": result}
		}
	}
	encoded, err := json.Marshal(byKey)
	require.NoError(t, err)
	return encoded
}

// encodeStack returns the keys of the steps that have run.
func encodeStack(t *testing.T, steps map[string]any) []byte {
	t.Helper()
	keys := []string{}
	for name := range steps {
		keys = append(keys, call.ID{Name: name}.Key())
	}
	encoded, err := json.Marshal(keys)
	require.NoError(t, err)
	return encoded
}

// failure is the memoized error of a step.
type failure struct {
	Name    string `json:"name"`
	Message string `json:"message"`
	Data    any    `json:"data"`
}

// operations are the operations of the response, such as "StepRun a".
func (e ended) operations(t *testing.T) []string {
	t.Helper()
	require.Equal(t, http.StatusPartialContent, e.Status, "%s", e.Body)
	var all []struct {
		Op   string `json:"op"`
		Name string `json:"name"`
	}
	require.NoError(t, json.Unmarshal([]byte(e.Body), &all))
	names := make([]string, len(all))
	for i, op := range all {
		names[i] = op.Op + " " + op.Name
	}
	return names
}

var _ = call.RegisterGuards(guard(nil))

// guard wraps a function like the core does.
//
//go:noinline
func guard(f handler) handler {
	return func(ctx context.Context) (output any, err error) {
		c := call.From(ctx)
		defer func() {
			switch r := recover(); {
			case r == nil:
			case call.IsYield(r), c.AbortIfMisplaced(r):
				c.SetYielding()
			default:
				output, err = nil, &panicked{r}
			}
			if aborted := c.Aborted(); aborted != nil {
				output, err = nil, aborted
			}
		}()
		defer c.CheckStepsEnded()
		return f(ctx)
	}
}

// panicked is the error of a function that has panicked.
type panicked struct{ value any }

func (p *panicked) Error() string { return fmt.Sprint("panicked: ", p.value) }

// fakeHooks records its calls, and changes data with its functions.
type fakeHooks struct {
	calls   []string
	restore func(data json.RawMessage) (json.RawMessage, error)
	hide    func(event json.RawMessage) json.RawMessage
}

func (h *fakeHooks) RunStep(ctx context.Context, id call.ID, callback call.Callback) call.StepEnd {
	h.notef("run %s", id.Name)
	output, err := callback(ctx)
	return call.StepEnd{Output: output, Err: err, Inner: ctx, Report: func(err error) { h.notef("report %s %v", id.Name, err) }}
}

func (h *fakeHooks) RestoreResult(_ context.Context, id call.ID, data json.RawMessage) (json.RawMessage, error) {
	h.notef("restore %s %s", id.Name, data)
	if h.restore == nil {
		return data, nil
	}
	return h.restore(data)
}

func (h *fakeHooks) InvokeData(context.Context, call.ID, json.RawMessage) (json.RawMessage, error) {
	panic("only step.Invoke calls this")
}

func (h *fakeHooks) HideFields(t reflect.Type, event json.RawMessage) json.RawMessage {
	h.notef("hide %v %s", t, event)
	if h.hide == nil {
		return event
	}
	return h.hide(event)
}

func (h *fakeHooks) CheckInvocable(any) error { panic("only step.Invoke calls this") }

func (h *fakeHooks) notef(format string, args ...any) {
	h.calls = append(h.calls, fmt.Sprintf(format, args...))
}

// run runs a step that returns its own name, and adds the name to ran.
func run(ctx context.Context, ran *[]string, name string) (string, error) {
	return call.Run(ctx, name, func(context.Context) (string, error) {
		*ran = append(*ran, name)
		return name, nil
	})
}

// whole returns a memoized result as the server sent it.
func whole(_ *call.Call, _ call.ID, r *envelope.Result) (json.RawMessage, error) { return r.Raw, nil }
