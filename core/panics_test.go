package inngestkit_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inngest/inngestgo"
	sdkmiddleware "github.com/inngest/inngestgo/middleware"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// deepError is an error that panics only when it is unwrapped.
type deepError struct{}

func (deepError) Error() string { return "deep" }
func (deepError) Unwrap() error { panic("too deep") }

// mirror panics with itself when it is printed.
type mirror struct{}

func (m mirror) String() string { panic(m) }

// An error whose methods panic fails the function or step that returned it, and is retried or
// not as it requests.
func TestErrorsThatPanic(t *testing.T) {
	t.Parallel()
	none := (*codedError)(nil)
	const isNil = " returned a nil *inngestkit_test.codedError as its error, which is not nil to Go: return nil itself"
	for name, tc := range map[string]struct {
		run     func() error
		want    string
		noRetry bool
	}{
		"a nil pointer":              {func() error { return none }, isNil, true},
		"a nil pointer, wrapped":     {func() error { return inngestkit.NoRetry(none) }, isNil, true},
		"a nil pointer, joined":      {func() error { return errors.Join(errors.New("a"), none) }, isNil, true},
		"a nil pointer, later":       {func() error { return inngestkit.RetryAfter(none, time.Hour) }, isNil, false},
		"an error inside":            {func() error { return deepError{} }, " returned an error of type inngestkit_test.deepError, whose methods panic: too deep", false},
		"a panic with a nil pointer": {func() error { panic(none) }, " panicked: <nil>", false},
		"a panic with an error":      {func() error { panic(deepError{}) }, " panicked: deep", false},
		"a panic twice":              {func() error { panic(mirror{}) }, " panicked: a value of type inngestkit_test.mirror that cannot be printed", false},
	} {
		t.Run(name+" of a function", func(t *testing.T) {
			t.Parallel()
			var got, none ending
			app, l := newApp(t, onSignUp(func(context.Context, input) (any, error) { return nil, tc.run() }, endings(&got, &none)))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			require.Equal(t, "function fn"+tc.want, message(t, resp))
			require.Equal(t, tc.noRetry, resp.Header.Get("X-Inngest-No-Retry") == "true")
			require.Equal(t, tc.noRetry, got.outcome == inngestkit.OutcomeNonRetriable)
			require.NotContains(t, l.String(), "request panicked")
		})
		t.Run(name+" of a step", func(t *testing.T) {
			t.Parallel()
			app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
				return step.Run(ctx, "a", func(context.Context) (any, error) { return nil, tc.run() })
			}))
			op := ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]
			require.Equal(t, `step "a"`+tc.want, op["error"].(map[string]any)["message"])
			require.Equal(t, tc.noRetry, op["op"] == "StepFailed")
			require.NotContains(t, l.String(), "request panicked")
		})
	}
}

// Middleware may return such an error too.
func TestErrorOfAMiddlewareThatPanics(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(hello,
		onFunction(func(context.Context, *inngestkit.FunctionCall, inngestkit.FunctionHandler) (any, error) {
			return nil, (*codedError)(nil)
		})))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Contains(t, message(t, resp), "function fn returned a nil *inngestkit_test.codedError")
}

// A value that cannot be encoded because its methods panic is an error that names its type. It
// is not retried, because a retry would return the same.
func TestEncodingThatPanics(t *testing.T) {
	t.Parallel()
	const panicked = "encoding inngestkit_test.unruly panicked: not today"
	happened := inngestkit.DefineEvent[unruly]("happened")
	anything := inngestkit.Ref[any, any]{FunctionID: "fn"}
	for name, tc := range map[string]struct {
		run     func(ctx context.Context) (any, error)
		want    string
		inStep  bool
		options []inngestkit.Option
	}{
		"the output": {
			run:  func(context.Context) (any, error) { return unruly{}, nil },
			want: `the output of function "fn", of Go type inngestkit_test.unruly, is not JSON: ` + panicked,
		},
		"the output with checkpoints": {
			run: func(ctx context.Context) (any, error) {
				_, _ = step.Run(ctx, "a", func(context.Context) (int, error) { return 1, nil })
				return unruly{}, nil
			},
			want:    `the output of function "fn", of Go type inngestkit_test.unruly, is not JSON: ` + panicked,
			options: []inngestkit.Option{flow.Checkpoint()},
		},
		"the data of an invocation": {
			run:  func(ctx context.Context) (any, error) { return step.Invoke(ctx, "a", anything, any(unruly{})) },
			want: `step "a": the data for function app-fn: ` + panicked,
		},
		"the body of a request": {
			run: func(ctx context.Context) (any, error) {
				return step.Infer[any](ctx, "a", step.InferRequest{URL: "https://api.test", Body: unruly{}})
			},
			want: `step "a": the request body cannot be encoded as JSON: ` + panicked,
		},
		"an event": {
			run:    func(ctx context.Context) (any, error) { return step.SendEvent(ctx, "a", happened.New(unruly{})) },
			want:   "inngestkit: send: event 0: it cannot be encoded: encoding inngestkit_test.unruly panicked: not today",
			inStep: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) { _, _ = w.Write([]byte("{}")) })
			app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL, HTTPClient: server.Client()},
				onSignUp(func(ctx context.Context, _ input) (any, error) { return tc.run(ctx) }, tc.options...))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			if tc.inStep {
				require.Contains(t, ops(t, resp)[0]["error"].(map[string]any)["message"], tc.want)
				return
			}
			require.Equal(t, tc.want, message(t, resp))
			require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"))
		})
	}
	app, _ := newApp(t)
	require.EqualError(t, app.SendSignal(t.Context(), "s", unruly{}), `inngestkit: signal "s": its data cannot be encoded: `+panicked)
	app.Use(onSend(func(ctx context.Context, events []inngestkit.RawEvent, next inngestkit.SendHandler) ([]string, error) {
		return next(ctx, events)
	}))
	_, err := app.Send(t.Context(), happened.New(unruly{}))
	require.ErrorContains(t, err, "inngestkit: send: event 0: it cannot be encoded: encoding inngestkit_test.unruly")
}

// picky panics when it is decoded.
type picky struct{}

func (*picky) UnmarshalJSON([]byte) error { panic("not today") }

// A panic during decoding fails the function.
func TestDecodingThatPanics(t *testing.T) {
	t.Parallel()
	app, l := newApp(t, inngestkit.OnEvent("fn", inngestkit.DefineEvent[picky]("user/signed-up"),
		func(context.Context, inngestkit.Input[picky]) (any, error) { return "not reached", nil }))
	require.Equal(t, "function fn panicked: not today", message(t, callFn(t.Context(), t, app, signUpEnvelope(user{}))))
	require.Contains(t, l.String(), "picky")
	app, _ = newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		return step.Run(ctx, "a", func(context.Context) (picky, error) { return picky{}, nil })
	}))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}).done("a", map[string]any{}))
	require.Equal(t, `step "a" panicked: not today`, message(t, resp))
}

// A panic of middleware fails the send, with an error that can be printed and unwrapped.
func TestSendMiddlewareThatPanics(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		run  func() error
		want string
	}{
		"a panic":               {func() error { panic("oh no") }, "inngestkit: send: the middleware around App.Send panicked: oh no"},
		"a panic with an error": {func() error { panic(deepError{}) }, "inngestkit: send: the middleware around App.Send panicked: deep"},
		"an error":              {func() error { return (*codedError)(nil) }, "the middleware around App.Send returned a nil *inngestkit_test.codedError"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, l := newApp(t)
			app.Use(onSend(func(context.Context, []inngestkit.RawEvent, inngestkit.SendHandler) ([]string, error) {
				return nil, tc.run()
			}))
			_, err := app.Send(t.Context(), signedUp.New(user{}))
			require.ErrorContains(t, err, tc.want)
			require.Equal(t, http.StatusInternalServerError, inngestkit.SendStatus(err))
			var panicked *inngestkit.PanicError
			if strings.HasPrefix(name, "a panic") {
				require.ErrorAs(t, err, &panicked)
				require.Contains(t, l.String(), "panics_test.go")
			}
		})
	}
}

// endsBadly is SDK middleware that panics when the function does.
type endsBadly struct{ sdkmiddleware.BaseMiddleware }

func (*endsBadly) OnPanic(context.Context, sdkmiddleware.CallContext, any, string) { panic("oh no") }

// The hooks of a client's middleware run outside of the function, where the SDK does not
// recover panics.
func TestClientMiddlewareThatPanics(t *testing.T) {
	t.Parallel()
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{
		AppID: "app", Dev: new(true), Middleware: []func() sdkmiddleware.Middleware{func() sdkmiddleware.Middleware { return &endsBadly{} }},
	})
	require.NoError(t, err)
	_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "fn"}, inngestgo.EventTrigger("user/signed-up", nil),
		func(context.Context, inngestgo.Input[any]) (any, error) { panic("to begin with") })
	require.NoError(t, err)
	var l log
	app, err := inngestkit.FromClient(client, func(c *inngestkit.Config) { c.Logger = slog.New(slog.NewTextHandler(&l, nil)) })
	require.NoError(t, err)
	var got ending
	app.Use(inngestkit.Middleware{Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
		return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
			call.OnEnd(got.note)
			return next(ctx, call)
		}
	}})
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, "function fn panicked outside of its handler, in a middleware of the client: oh no", message(t, resp))
	require.Equal(t, "false", resp.Header.Get("X-Inngest-No-Retry"))
	require.Equal(t, inngestkit.OutcomeRetried, got.outcome)
	require.Contains(t, l.String(), "endsBadly")
}

// A panic in the background is logged, and everything else continues.
func TestGoRecovers(t *testing.T) {
	t.Parallel()
	app, l := newApp(t)
	require.NoError(t, app.Go(func(context.Context) { panic(mirror{}) }))
	require.NoError(t, app.Shutdown(t.Context()))
	require.Contains(t, l.String(), "inngest: a function given to App.Go panicked")
	require.Contains(t, l.String(), "panics_test.go")
}

// A panic of a lookup is an error that names the variable and shows no value.
func TestLookupThatPanics(t *testing.T) {
	t.Parallel()
	_, err := inngestkit.ConfigFrom(t.Context(), func(_ context.Context, variable string) (string, bool, error) {
		switch variable {
		case "INNGEST_APP_ID":
			var vault []string // empty
			return vault[0], true, nil
		case "INNGEST_SIGNING_KEY":
			panic("what is " + string(signingKey))
		case "INNGEST_EVENT_KEY":
			return "", false, (*codedError)(nil)
		}
		return "", false, nil
	})
	require.ErrorContains(t, err, "INNGEST_APP_ID: the lookup panicked: runtime error: index out of range [0] with length 0")
	require.ErrorContains(t, err, "INNGEST_SIGNING_KEY: the lookup panicked with a string, which is not shown because it may contain the value")
	require.ErrorContains(t, err, "INNGEST_EVENT_KEY: the lookup returned a nil *inngestkit_test.codedError")
	require.NotContains(t, err.Error(), "signkey")
}

// An adapter's path function may be called in the background.
func TestMountPathThatPanics(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/served"} {
		app, _ := newAppWith(t, inngestkit.Config{Dev: true, ServePath: path, HTTPClient: &http.Client{Transport: &devServer{}}}, onSignUp(hello))
		app.MountedAtFunc("test", func() string { panic("oh no") })
		err := app.Sync(t.Context())
		if path != "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, "inngestkit: sync: the path where the app is mounted is unknown: the adapter's function for App.MountedAtFunc panicked: oh no")
	}
}

// A checkpoint may be sent on the goroutine of a timer.
func TestCheckpointOfATimerPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app, l := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: &http.Client{Transport: roundTripper(
			func(*http.Request) (*http.Response, error) { panic("oh no") })}},
			onSignUp(sequence("a", "b"), flow.Checkpoint(flow.BatchSteps(10), flow.BatchInterval(time.Second))))
		all := ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))
		require.Len(t, all, 2, "the results are in the response")
		require.Contains(t, l.String(), "the HTTPClient's transport panicked: oh no")
	})
}

// No server sends such a context, but it must not cause a panic.
func TestCallWithoutContext(t *testing.T) {
	t.Parallel()
	app, l := newApp(t, onSignUp(hello, flow.Checkpoint()))
	resp := app.Do(t.Context(), request(http.MethodPost, "fnId=app-fn&stepId=x", `{"ctx":null,"event":{}}`))
	require.Equal(t, http.StatusBadRequest, resp.Status)
	require.Equal(t, `the body has no "event" or no "ctx"`, message(t, resp))
	require.NotContains(t, l.String(), "panicked")
}

// A branch whose goroutine ended has failed.
func TestGoexitInABranch(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		return "ok", step.Parallel(ctx,
			func(context.Context) error { return nil },
			func(context.Context) error { runtime.Goexit(); return nil },
		)
	}))
	require.Contains(t, message(t, callFn(t.Context(), t, app, signUpEnvelope(user{}))), "its goroutine has ended (runtime.Goexit)")
}

// The step that a call is for may also end its goroutine.
func TestGoexitInTheStepThatACallIsFor(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		return "ok", step.Parallel(ctx,
			func(context.Context) error { return nil },
			func(ctx context.Context) error {
				_, err := step.Run(ctx, "a", func(context.Context) (any, error) { runtime.Goexit(); return nil, nil })
				return err
			},
		)
	}))
	resp := app.Do(t.Context(), request(http.MethodPost, "fnId=app-fn&stepId="+hashed("a"), signUpEnvelope(user{}).json(t)))
	require.Equal(t, http.StatusInternalServerError, resp.Status)
	require.Equal(t, `step "a" did not finish: its goroutine has ended (runtime.Goexit)`, message(t, resp))
}
