package inngestkit_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/inngest/inngestgo/middleware"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// The SDK's logger, which functions moved from the SDK use, writes to the app's.
func TestSDKLogger(t *testing.T) {
	t.Parallel()
	app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		middleware.LoggerFromContext(ctx).Info("hello from the function")
		return nil, errors.New("boom")
	}, flow.Retries(0)))
	callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Contains(t, l.String(), "hello from the function")
	require.NotContains(t, l.String(), "call_ctx", "the SDK's own log lines are dropped")
}

// Guard for hazard 10: loggers with attributes and groups are also silent while the function
// replays.
func TestLoggersAreSilentDuringReplay(t *testing.T) {
	t.Parallel()
	for name, logger := range map[string]func(ctx context.Context) *slog.Logger{"ours": inngestkit.Logger, "sdk": middleware.LoggerFromContext} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
				plain := logger(ctx)
				with, group := plain.With("k", "v"), plain.WithGroup("g")
				plain.Info("plain begins")
				with.Info("with begins")
				group.Info("group begins", "a", 1)
				got, err := step.Run(ctx, "a", func(ctx context.Context) (string, error) {
					logger(ctx).With("k", "v").Info("in the step")
					return "a", nil
				})
				with.Info("with goes on")
				return got, err
			}))
			callFn(t.Context(), t, app, signUpEnvelope(user{}))
			callFn(t.Context(), t, app, signUpEnvelope(user{}).done("a", "a"))
			for _, line := range []string{"plain begins", "with begins", "group begins", "in the step", "with goes on"} {
				require.Equal(t, 1, strings.Count(l.String(), line), "%s in\n%s", line, l)
			}
			require.Contains(t, l.String(), "function=fn run_id=01J0000000000000000000000 attempt=0 k=v")
			require.Contains(t, l.String(), "g.a=1")
		})
	}
}

// A call for one step is a replay up to that step.
func TestLoggerOfATargetedCall(t *testing.T) {
	t.Parallel()
	app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		inngestkit.Logger(ctx).Info("begins")
		return step.Run(ctx, "a", func(ctx context.Context) (string, error) {
			inngestkit.Logger(ctx).Info("in the step")
			return "a", nil
		})
	}))
	app.Do(t.Context(), request(http.MethodPost, "fnId=app-fn&stepId="+hashed("a"), signUpEnvelope(user{}).json(t)))
	require.NotContains(t, l.String(), "begins")
	require.Contains(t, l.String(), "in the step")
}

func TestLoggerOutsideOfFunctions(t *testing.T) {
	t.Parallel()
	app, l := newApp(t)
	inngestkit.Logger(inngestkit.NewContext(t.Context(), app)).Info("hello")
	require.Contains(t, l.String(), "hello")
	require.Same(t, slog.Default(), inngestkit.Logger(t.Context()))
}

func TestLogging(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) { accepted(w, "id1") })
	app, l := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL})
	app.Use(inngestkit.Logging(slog.LevelInfo))
	require.NoError(t, app.Register(onSignUp(func(ctx context.Context, in input) (any, error) {
		if _, err := step.SendEvent(ctx, "send", signedUp.New(in.Event.Data)); err != nil {
			return nil, err
		}
		return nil, nil
	})))
	callFn(t.Context(), t, app, signUpEnvelope(user{}))
	callFn(t.Context(), t, app, signUpEnvelope(user{}).done("send", []string{"id1"}))
	for _, line := range []string{"function started", "step finished", "events sent", "function finished"} {
		require.Equal(t, 1, strings.Count(l.String(), line), "%s in\n%s", line, l)
	}
	require.NotContains(t, l.String(), "level=ERROR")

	before := len(l.String())
	_, err := app.Send(t.Context(), signedUp.New(user{}))
	require.NoError(t, err)
	require.Contains(t, l.String()[before:], "events sent")
}

func TestRecover(t *testing.T) {
	t.Parallel()
	var reported []*inngestkit.PanicError
	app, _ := newApp(t, onSignUp(func(ctx context.Context, in input) (any, error) {
		if in.Event.Data.ID == "outside" {
			panic("outside")
		}
		return step.Run(ctx, "a", func(context.Context) (any, error) { panic(http.ErrAbortHandler) })
	}))
	app.Use(inngestkit.Recover(func(_ context.Context, p *inngestkit.PanicError) { reported = append(reported, p) }))
	callFn(t.Context(), t, app, signUpEnvelope(user{ID: "outside"}))
	callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Len(t, reported, 2)
	require.Equal(t, "function fn", reported[0].Where)
	require.Equal(t, `step "a"`, reported[1].Where)
	require.ErrorIs(t, reported[1], http.ErrAbortHandler)
	for _, p := range reported {
		require.Contains(t, string(p.Stack), "logger_test.go")
	}
}

// Null is not a memoized result: the run has just begun.
func TestLoggerWithoutSteps(t *testing.T) {
	t.Parallel()
	app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		inngestkit.Logger(ctx).Info("begins")
		return nil, nil
	}))
	app.Do(t.Context(), request(http.MethodPost, "fnId=app-fn", `{"event":{"name":"e","data":{}},"steps":null,"ctx":{"run_id":"r"}}`))
	require.Contains(t, l.String(), "begins")
}

// contextLogger is a handler that adds a value of the context.
type contextLogger struct{ slog.Handler }

type markKey struct{}

func (h contextLogger) Handle(ctx context.Context, record slog.Record) error {
	record.AddAttrs(slog.Any("mark", ctx.Value(markKey{})))
	return h.Handler.Handle(ctx, record)
}

func (h contextLogger) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextLogger{h.Handler.WithAttrs(attrs)}
}

func (h contextLogger) WithGroup(name string) slog.Handler {
	return contextLogger{h.Handler.WithGroup(name)}
}

// Records of functions have the context with which the logger was made, unless they are logged
// with one. The app's records about a call also have its context.
func TestLoggersHaveTheirContext(t *testing.T) {
	t.Parallel()
	marked := func(ctx context.Context, mark string) context.Context { return context.WithValue(ctx, markKey{}, mark) }
	var l log
	app, err := inngestkit.New(inngestkit.Config{
		AppID: "app", Dev: true, Logger: slog.New(contextLogger{slog.NewTextHandler(&l, nil)}),
	})
	require.NoError(t, err)
	require.NoError(t, app.Register(onSignUp(func(ctx context.Context, in input) (string, error) {
		logger := inngestkit.Logger(marked(ctx, "here"))
		logger.Info("plain")
		logger.With("k", "v").Info("with")
		logger.WithGroup("g").Info("group")
		logger.InfoContext(marked(ctx, "there"), "other")
		switch in.Event.Data.ID {
		case "panic":
			panic("oh")
		case "step":
			return step.Run(ctx, "a", func(context.Context) (string, error) { return "", errors.New("no") })
		}
		return "", errors.New("no")
	}, onFunction(func(ctx context.Context, call *inngestkit.FunctionCall, next inngestkit.FunctionHandler) (any, error) {
		return next(marked(ctx, "middleware"), call)
	}))))
	for _, id := range []string{"error", "panic", "step"} {
		callFn(t.Context(), t, app, signUpEnvelope(user{ID: id}))
	}
	for line, mark := range map[string]string{
		"plain": "here", "with": "here", "group": "here", "other": "there",
		`"inngest: function failed"`: "middleware", `"inngest: function fn panicked"`: "middleware", `"inngest: step failed"`: "middleware",
	} {
		require.Regexp(t, `(?m)msg=`+line+` .*mark=`+mark+`$`, l.String())
	}
}
