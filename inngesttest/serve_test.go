package inngesttest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

const signingKey = "signkey-test-0123456789abcdef0123456789abcdef"

// reversing reverses the bytes of steps' outputs, as middleware that encrypts changes them.
var reversing = inngestkit.Middleware{
	Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
		return func(ctx context.Context, s *inngestkit.StepCall) (any, error) {
			output, err := next(ctx, s)
			if err != nil {
				return output, err
			}
			raw, err := json.Marshal(output)
			return map[string][]byte{"sealed": reversed(raw)}, err
		}
	},
	Restore: func(_ context.Context, _ *inngestkit.StepCall, data json.RawMessage) (json.RawMessage, error) {
		var box struct {
			Sealed []byte `json:"sealed"`
		}
		if err := json.Unmarshal(data, &box); err != nil || box.Sealed == nil {
			return data, err
		}
		return reversed(box.Sealed), nil
	},
}

func reversed(raw []byte) []byte {
	turned := make([]byte, len(raw))
	for i, b := range raw {
		turned[len(raw)-1-i] = b
	}
	return turned
}

// newApp returns an app as production builds it, which no server reaches.
func newApp(t *testing.T, config inngestkit.Config, functions ...inngestkit.Function) *inngestkit.App {
	t.Helper()
	config.AppID, config.Logger = "shop", slog.New(slog.DiscardHandler)
	config.HTTPClient = &http.Client{Transport: unreachable{}}
	app, err := inngestkit.New(config)
	require.NoError(t, err)
	require.NoError(t, app.Register(functions...))
	app.Use(reversing)
	t.Cleanup(func() { require.NoError(t, app.Shutdown(context.Background())) })
	return app
}

// unreachable is a transport without a network.
type unreachable struct{}

func (unreachable) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("a request to %s left the test", r.URL)
}

// An app as production builds it runs with its middleware, and its requests do not leave the
// test: in dev mode, in cloud mode with its key, and through a router.
func TestServe(t *testing.T) {
	t.Parallel()
	router := func(app *inngestkit.App) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/v1/inngest", adapter.HTTPHandler("mux", app.Do))
		return mux
	}
	for name, tc := range map[string]struct {
		config  inngestkit.Config
		options []inngesttest.Option
		serve   func(app *inngestkit.App) []inngesttest.ServeOption
	}{
		"dev mode": {config: inngestkit.Config{Dev: true}},
		"cloud mode": {
			config:  inngestkit.Config{SigningKey: signingKey, EventKey: "key"},
			options: []inngesttest.Option{inngesttest.SigningKey(signingKey)},
		},
		"through a handler": {
			config:  inngestkit.Config{SigningKey: signingKey, EventKey: "key"},
			options: []inngesttest.Option{inngesttest.SigningKey(signingKey)},
			serve: func(app *inngestkit.App) []inngesttest.ServeOption {
				return []inngesttest.ServeOption{inngesttest.Through(router(app), "/v1/inngest")}
			},
		},
		"through a framework that passes no context": {
			config: inngestkit.Config{Dev: true},
			serve: func(app *inngestkit.App) []inngesttest.ServeOption {
				handler := router(app)
				return []inngesttest.ServeOption{inngesttest.ThroughFunc(func(r *http.Request) (*http.Response, error) {
					w := httptest.NewRecorder()
					handler.ServeHTTP(w, r.WithContext(inngesttest.ContextOf(r.Header.Get("X-Inngesttest-Call"))))
					return w.Result(), nil
				}, "/v1/inngest")}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fulfill, count := orders()
			app := newApp(t, tc.config, fulfill, count)
			e := inngesttest.Virtual(t, tc.options...)
			var options []inngesttest.ServeOption
			if tc.serve != nil {
				options = tc.serve(app)
			}
			e.Serve(app, options...)
			e.Step("charge").Returns("stubbed")
			e.Step("approval").Receives(approved.New(approval{OrderID: "o1", By: "ann"}))

			run := inngesttest.Start(e, fulfill, order{ID: "o1"}).Wait()
			require.Equal(t, "stubbed, approved by ann", run.Output())
			require.Equal(t, "shop-fulfill", run.Function())
			var sealed map[string][]byte
			require.NoError(t, json.Unmarshal(run.Step("charge").Output, &sealed))
			require.Equal(t, `"debbuts"`, string(sealed["sealed"]), "the stub is inside the middleware")
			require.Len(t, e.Runs(count), 1)

			_, err := app.Send(e.Context(), shipped.New(order{ID: "o2"}))
			require.NoError(t, err)
			require.Len(t, e.Runs(count), 2)
		})
	}
}

// An app that the kit cannot call is refused, with what to do.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	fulfill, count := orders()
	app := newApp(t, inngestkit.Config{SigningKey: signingKey, EventKey: "key"}, fulfill, count)
	log, failed := attempt(t, func(tb testing.TB) { inngesttest.Virtual(tb).Serve(app) })
	require.True(t, failed)
	require.Contains(t, log, "set Dev in its Config")
	require.Contains(t, log, "inngesttest.SigningKey(key)")

	log, failed = attempt(t, func(tb testing.TB) {
		inngesttest.Virtual(tb, inngesttest.SigningKey("signkey-test-00000000000000000000000000000000")).Serve(app)
	})
	require.True(t, failed)
	require.Contains(t, log, "401")

	log, failed = attempt(t, func(tb testing.TB) { inngesttest.Virtual(tb).Serve(nil) })
	require.True(t, failed)
	require.Contains(t, log, "Serve needs an app")
}

// Without the context of the call, the kit refuses sleeps that it cannot judge.
func TestThroughFuncLosesTheContext(t *testing.T) {
	t.Parallel()
	f := inngestkit.OnEvent("naps", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (any, error) {
		step.Sleep(ctx, "one", time.Hour)
		step.Sleep(ctx, "two", time.Hour)
		return nil, nil
	})
	app := newApp(t, inngestkit.Config{Dev: true}, f)
	log, failed := attempt(t, func(tb testing.TB) {
		e := inngesttest.Virtual(tb)
		e.Serve(app, inngesttest.ThroughFunc(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			adapter.HTTPHandler("lossy", app.Do).ServeHTTP(w, r.WithContext(context.Background()))
			return w.Result(), nil
		}, "/api/inngest"))
		inngesttest.Start(e, f, order{}).Wait()
	})
	require.True(t, failed)
	require.Contains(t, log, "the context of the call does not reach the function")
}

// Stubs that have no effect for that reason say so.
func TestThroughFuncLosesStubs(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{Dev: true}, checkout)
	log, failed := attempt(t, func(tb testing.TB) {
		e := inngesttest.Virtual(tb)
		e.Serve(app, inngesttest.ThroughFunc(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			adapter.HTTPHandler("lossy", app.Do).ServeHTTP(w, r.WithContext(context.Background()))
			return w.Result(), nil
		}, "/api/inngest"))
		e.Step("charge").Returns("stubbed")
		inngesttest.Start(e, checkout, order{}).Wait()
	})
	require.True(t, failed)
	require.Contains(t, log, `Step("charge").Returns was not used`)
	require.Contains(t, log, "See ContextOf")
}

// An app with a client of its own runs on the real server, too, also through a router.
func TestServeOnTheRealServer(t *testing.T) {
	t.Parallel()
	fulfill, count := orders()
	app := newApp(t, inngestkit.Config{Dev: true}, fulfill, count)
	env := inngesttest.Real(t)
	mux := http.NewServeMux()
	mux.Handle("/v1/inngest", adapter.HTTPHandler("mux", app.Do))
	env.Serve(app, inngesttest.Through(mux, "/v1/inngest"))
	run := inngesttest.Start(env, fulfill, order{ID: "o1"})
	env.Send(approved.New(approval{OrderID: "o1", By: "ann"}))
	require.Equal(t, "receipt of o1, approved by ann", run.Wait().Output())
	env.Settle()
	require.Len(t, env.Runs(count), 1)

	cloud := newApp(t, inngestkit.Config{SigningKey: signingKey, EventKey: "key"}, checkout)
	log, failed := attempt(t, func(tb testing.TB) { inngesttest.Real(tb).Serve(cloud) })
	require.True(t, failed)
	require.Contains(t, log, "set Dev in its Config")
}

// A hundred tests that share an app do not disturb each other.
func TestSharedApp(t *testing.T) {
	t.Parallel()
	fulfill, count := orders()
	app := newApp(t, inngestkit.Config{Dev: true}, fulfill, count)
	t.Run("group", func(t *testing.T) { // ends before the app is shut down
		for i := range 100 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				e := inngesttest.Virtual(t)
				e.Serve(app)
				id, by := fmt.Sprint("o", i), fmt.Sprint("user", i)
				e.Step("charge").Returns(id)
				run := inngesttest.Start(e, fulfill, order{ID: id})
				e.Advance(time.Duration(i%60) * time.Minute)
				e.Send(approved.New(approval{OrderID: id, By: by}))
				require.Equal(t, id+", approved by "+by, run.Wait().Output())
				require.Len(t, e.Events(), 3)
				require.Len(t, e.Runs(nil), 2)
				require.Equal(t, time.Duration(i%60)*time.Minute, e.Elapsed())
			})
		}
	})
}

// A new version of a function goes on with the runs of the old one.
func TestUpdate(t *testing.T) {
	t.Parallel()
	version := func(text string) inngestkit.TypedFunction[order, string] {
		return inngestkit.OnEvent("versioned", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (string, error) {
			first, err := step.Run(ctx, "first", func(context.Context) (string, error) { return text, nil })
			step.Sleep(ctx, "a day", 24*time.Hour)
			return first + " then " + text, err
		})
	}
	e := inngesttest.Virtual(t)
	e.Register(version("v1"))
	run := inngesttest.Start(e, version("v1"), order{})
	e.Settle()
	e.Update(version("v2"))
	require.Equal(t, "v1 then v2", run.Wait().Output())
	require.Equal(t, "v2 then v2", inngesttest.Start(e, version("v2"), order{}).Wait().Output())
	require.Contains(t, run.Timeline(), "a day")
}
