package inngestkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/middleware"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// sdkClient returns a client of the bare SDK that reads nothing from the environment, and its
// log.
func sdkClient(t *testing.T, change ...func(o *inngestgo.ClientOpts)) (inngestgo.Client, *log) {
	t.Helper()
	var l log
	options := inngestgo.ClientOpts{
		AppID: "app", Dev: new(true), SigningKey: new(""), SigningKeyFallback: new(""), EventKey: new(""), Env: new(""),
		APIBaseURL: new("http://127.0.0.1:8288"), EventAPIBaseURL: new("http://127.0.0.1:8288"),
		Logger: slog.New(slog.NewTextHandler(&l, nil)),
	}
	for _, c := range change {
		c(&options)
	}
	client, err := inngestgo.NewClient(options)
	require.NoError(t, err)
	return client, &l
}

func signing(o *inngestgo.ClientOpts) {
	o.Dev, o.SigningKey, o.SigningKeyFallback = new(false), new(string(signingKey)), new(string(fallbackKey))
}

// createFn creates a function of the bare SDK.
func createFn(t *testing.T, client inngestgo.Client, id string, handler func(context.Context, input) (any, error)) {
	t.Helper()
	_, err := inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: id}, inngestgo.EventTrigger("user/signed-up", nil), handler)
	require.NoError(t, err)
}

// adopt returns an app with one function of the bare SDK, fn.
func adopt(t *testing.T, handler func(context.Context, input) (any, error), configure ...func(*inngestkit.Config)) (*inngestkit.App, *log) {
	t.Helper()
	client, l := sdkClient(t)
	createFn(t, client, "fn", handler)
	app, err := inngestkit.FromClient(client, configure...)
	require.NoError(t, err)
	return app, l
}

func sdkHello(context.Context, input) (any, error) { return "hello", nil }

func TestAdoptedFunctionRunsItsSteps(t *testing.T) {
	t.Parallel()
	app, _ := adopt(t, func(ctx context.Context, in input) (any, error) {
		one, err := sdkstep.Run(ctx, "one", func(context.Context) (string, error) { return "1", nil })
		if err != nil {
			return nil, err
		}
		sdkstep.Sleep(ctx, "nap", time.Hour)
		two, err := step.Run(ctx, "two", func(context.Context) (string, error) { return "2", nil })
		return in.Event.Data.ID + one + two, err
	})
	e := signUpEnvelope(user{ID: "u"})
	first := ops(t, callFn(t.Context(), t, app, e))
	require.Equal(t, []any{"one", "1"}, []any{first[0]["name"], first[0]["data"]})
	e.done("one", "1")
	require.Equal(t, "Sleep", ops(t, callFn(t.Context(), t, app, e))[0]["op"])
	e.done("nap", nil)
	require.Equal(t, "2", ops(t, callFn(t.Context(), t, app, e))[0]["data"])
	e.done("two", "2")
	last := callFn(t.Context(), t, app, e)
	require.Equal(t, http.StatusOK, last.Status)
	require.JSONEq(t, `"u12"`, string(last.Body))
	require.Equal(t, "test", last.Header.Get("X-Inngest-Framework"))
	require.Equal(t, "application/json", last.Header.Get("Content-Type"))
}

func TestAdoptedFunctionGetsItsBatch(t *testing.T) {
	t.Parallel()
	app, _ := adopt(t, func(_ context.Context, in input) (any, error) {
		return []any{in.Event.Data.ID, len(in.Events), in.Events[1].Data.ID, in.InputCtx.RunID}, nil
	})
	e := signUpEnvelope(user{ID: "u1"})
	e.Events = append(e.Events, signUpEnvelope(user{ID: "u2"}).Event)
	resp := callFn(t.Context(), t, app, e)
	require.JSONEq(t, `["u1",2,"u2","01J0000000000000000000000"]`, string(resp.Body))
}

// The app verifies signatures, and the SDK does not verify them again: it would refuse calls
// that are not signed in canonical form.
func TestAdoptedAppVerifiesSignatures(t *testing.T) {
	t.Parallel()
	client, _ := sdkClient(t, signing)
	createFn(t, client, "fn", sdkHello)
	app, err := inngestkit.FromClient(client)
	require.NoError(t, err)
	body := `{ "event": {"name":"user/signed-up","data":{}}, "ctx": {"run_id":"r"} }`
	now := time.Now()
	for _, tc := range []struct {
		name, signature string
		status          int
	}{
		{"good", sign(t, signingKey, body, now), 200},
		{"fallback key", sign(t, fallbackKey, body, now), 200},
		{"over another form of the bytes", signCanonical(t, signingKey, body, now), 401},
		{"wrong key", sign(t, wrongKey, body, now), 401},
		{"stale", sign(t, signingKey, body, now.Add(-6*time.Minute)), 401},
		{"future", sign(t, signingKey, body, now.Add(6*time.Minute)), 401},
		{"missing", "", 401},
	} {
		req := withHeader(request(http.MethodPost, "fnId=app-fn", body), "X-Inngest-Signature", tc.signature)
		resp := app.Do(t.Context(), req)
		require.Equal(t, tc.status, resp.Status, "%s: %s", tc.name, resp.Body)
		require.Equal(t, "test", resp.Header.Get("X-Inngest-Framework"))
	}
	probe := withHeader(request(http.MethodPost, "probe=trust", "{}"), "X-Inngest-Signature", sign(t, signingKey, "{}", now))
	require.NotEmpty(t, app.Do(t.Context(), probe).Header.Get("X-Inngest-Signature"))
	require.Equal(t, http.StatusUnauthorized, app.Do(t.Context(), request(http.MethodPut, "", "")).Status)
}

// Hazard 17: to the SDK, INNGEST_DEV=0 is dev mode, in which anyone may call.
func TestAdoptedAppReadsTheEnvironmentByOurRules(t *testing.T) {
	t.Setenv("INNGEST_DEV", "0")
	t.Setenv("INNGEST_SIGNING_KEY", signingKey)
	t.Setenv("INNGEST_SERVE_HOST", "https://shop.test")
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{AppID: "app"})
	require.NoError(t, err)
	createFn(t, client, "fn", sdkHello)
	app, err := inngestkit.FromClient(client)
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, callFn(t.Context(), t, app, signUpEnvelope(user{})).Status)
	body := signUpEnvelope(user{}).json(t)
	signed := withHeader(request(http.MethodPost, "fnId=app-fn", body), "X-Inngest-Signature", sign(t, signingKey, body, time.Now()))
	require.Equal(t, http.StatusOK, app.Do(t.Context(), signed).Status)
}

// Hazards 14, 15, 19: functions are found by their whole ID and announced in a stable order,
// in requests that the app sends.
func TestAdoptedFunctionsAreSynced(t *testing.T) {
	t.Parallel()
	server := newAPI(t, synced)
	client, _ := sdkClient(t, func(o *inngestgo.ClientOpts) { o.APIBaseURL = &server.URL })
	for _, id := range []string{"zebra", "app-ape", "ape", "cat"} {
		createFn(t, client, id, func(context.Context, input) (any, error) { return id, nil })
	}
	app, err := inngestkit.FromClient(client, func(c *inngestkit.Config) { c.ServePort = 3000 })
	require.NoError(t, err)
	want := []string{"ape", "app-ape", "cat", "zebra"}
	require.Equal(t, want, app.FunctionIDs())
	for _, id := range want {
		resp := app.Do(t.Context(), request(http.MethodPost, "fnId=app-"+id, signUpEnvelope(user{}).json(t)))
		require.JSONEq(t, `"`+id+`"`, string(resp.Body))
	}

	app.MountedAt("test", "/api/inngest")
	require.NoError(t, app.Start(t.Context()))
	require.NoError(t, app.AwaitSync(t.Context()))
	require.NoError(t, app.Shutdown(t.Context()))
	last, _ := app.LastSync()
	require.Equal(t, 4, last.Functions)
	_, bodies := server.seen()
	bodies = slices.DeleteFunc(bodies, func(b string) bool { return !strings.Contains(b, `"appName"`) })
	var payload struct {
		Functions []struct {
			ID       string           `json:"id"`
			Triggers []map[string]any `json:"triggers"`
		} `json:"functions"`
	}
	require.NoError(t, json.Unmarshal([]byte(bodies[0]), &payload))
	for i, f := range payload.Functions {
		require.Equal(t, "app-"+want[i], f.ID)
		require.Equal(t, []map[string]any{{"event": "user/signed-up"}}, f.Triggers)
	}
}

// transforming is middleware that changes the input and the output.
type transforming struct{ middleware.BaseMiddleware }

func (transforming) TransformInput(_ context.Context, _ middleware.CallContext, in *middleware.TransformableInput) {
	in.Event.Data["id"] = "changed " + in.Event.Data["id"].(string)
}

func (transforming) TransformOutput(_ context.Context, _ middleware.CallContext, out *middleware.TransformableOutput) {
	out.Result = []any{out.Result}
}

func TestAdoptedFunctionKeepsTheClientsMiddleware(t *testing.T) {
	t.Parallel()
	client, _ := sdkClient(t, func(o *inngestgo.ClientOpts) {
		o.Middleware = append(o.Middleware, func() middleware.Middleware { return &transforming{} })
	})
	createFn(t, client, "fn", func(_ context.Context, in input) (any, error) { return in.Event.Data.ID, nil })
	app, err := inngestkit.FromClient(client)
	require.NoError(t, err)
	require.JSONEq(t, `["changed u1"]`, string(callFn(t.Context(), t, app, signUpEnvelope(user{ID: "u1"})).Body))
}

// Results that the SDK's own steps have used do not count as unused, when a step of the kit
// follows them.
func TestAdoptedFunctionThatMixesSteps(t *testing.T) {
	t.Parallel()
	letters := []string{"a", "b", "c", "d"}
	app, l := adopt(t, func(ctx context.Context, _ input) (any, error) {
		for _, id := range letters {
			if _, err := sdkstep.Run(ctx, id, func(context.Context) (int, error) { return 1, nil }); err != nil {
				return nil, err
			}
		}
		return step.Run(ctx, "new", func(context.Context) (int, error) { return 1, nil })
	})
	e := signUpEnvelope(user{})
	for _, id := range letters {
		e = e.done(id, 1)
	}
	require.Equal(t, []string{"StepRun new"}, listed(ops(t, callFn(t.Context(), t, app, e))))
	require.NotContains(t, l.String(), "does not use the results")
}

// replacing is middleware that replaces the context of the call.
type replacing struct{ middleware.BaseMiddleware }

func (replacing) TransformInput(_ context.Context, _ middleware.CallContext, in *middleware.TransformableInput) {
	in.WithContext(context.Background())
}

func TestAdoptedFunctionWhoseContextIsLost(t *testing.T) {
	t.Parallel()
	client, _ := sdkClient(t, func(o *inngestgo.ClientOpts) {
		o.Middleware = append(o.Middleware, func() middleware.Middleware { return &replacing{} })
	})
	createFn(t, client, "fn", sdkHello)
	app, err := inngestkit.FromClient(client)
	require.NoError(t, err)
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusInternalServerError, resp.Status)
	require.Contains(t, message(t, resp), "replaced the call's context")
}

// Functions move one at a time.
func TestAdoptedFunctionsNextToOnesOfTheApp(t *testing.T) {
	t.Parallel()
	app, _ := adopt(t, sdkHello)
	var registration *inngestkit.RegistrationError
	require.ErrorAs(t, app.Register(inngestkit.OnEvent("fn", signedUp, hello)), &registration, "the ID is taken")
	require.NoError(t, app.Register(inngestkit.OnEvent("moved", signedUp, hello)))
	require.Equal(t, []string{"fn", "moved"}, app.FunctionIDs())
	for _, id := range app.FunctionIDs() {
		resp := app.Do(t.Context(), request(http.MethodPost, "fnId=app-"+id, signUpEnvelope(user{}).json(t)))
		require.JSONEq(t, `"hello"`, string(resp.Body), id)
	}
}

// wrapped is a client that a program wraps to extend it.
type wrapped struct{ inngestgo.Client }

// foreign is a client that does not come from the SDK.
type foreign struct{ inngestgo.Client }

func (foreign) Serve() http.Handler { return http.NotFoundHandler() }

func TestFromClientRefuses(t *testing.T) {
	t.Parallel()
	_, err := inngestkit.FromClient(nil)
	require.ErrorContains(t, err, "the client is nil")
	client, _ := sdkClient(t)
	createFn(t, client, "fn", sdkHello)
	_, err = inngestkit.FromClient(foreign{client})
	require.ErrorContains(t, err, "foreign does not expose its functions")
	_, err = inngestkit.FromClient(client, nil)
	require.ErrorContains(t, err, "a configure function is nil")
	app, err := inngestkit.FromClient(wrapped{client})
	require.NoError(t, err)
	require.Equal(t, []string{"fn"}, app.FunctionIDs())

	_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "no-trigger"}, nil, sdkHello)
	require.NoError(t, err)
	_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "nil-trigger"}, (*inngestgo.Trigger)(nil), sdkHello)
	require.NoError(t, err)
	_, err = inngestgo.CreateFunction[user](client, inngestgo.FunctionOpts{ID: "no-handler"}, inngestgo.CronTrigger("* * * * *"), nil)
	require.NoError(t, err)
	_, err = inngestkit.FromClient(client)
	require.ErrorContains(t, err, `function "no-trigger": it has no trigger`)
	require.ErrorContains(t, err, `function "nil-trigger": it has no trigger`)
	require.ErrorContains(t, err, `function "no-handler": it has no handler`)

	client, _ = sdkClient(t, func(o *inngestgo.ClientOpts) { o.Dev = new(false) })
	_, err = inngestkit.FromClient(client)
	require.ErrorContains(t, err, "SigningKey (INNGEST_SIGNING_KEY)")
}

// The server refuses the whole app if it refuses one trigger.
func TestFromClientRefusesTriggers(t *testing.T) {
	t.Parallel()
	event := func(name string) inngestgo.Trigger { return inngestgo.EventTrigger(name, nil) }
	jittered := func(d time.Duration) inngestgo.Trigger { return inngestgo.CronTriggerWithJitter("0 9 * * *", d) }
	const nine = "0 9 * * *"
	for _, tc := range []struct {
		name     string
		triggers inngestgo.MultipleTriggers
		want     string // "" if they are taken
	}{
		{"none", nil, ""},
		{"good", inngestgo.MultipleTriggers{event("a"), event(strings.Repeat("b", 255)), jittered(time.Minute), inngestgo.CronTrigger("0 8 * * *")}, ""},
		{"the server's time zone", inngestgo.MultipleTriggers{inngestgo.CronTrigger("TZ=Local " + nine)}, ""},
		{"a schedule with two jitters", inngestgo.MultipleTriggers{jittered(time.Second), jittered(time.Minute)}, `Trigger "0 9 * * *" is given twice`},
		{"a schedule with and without jitter", inngestgo.MultipleTriggers{jittered(time.Second), inngestgo.CronTrigger(nine)},
			`Trigger "0 9 * * *" is given twice`},
		{"an event twice", inngestgo.MultipleTriggers{event("a"), event("a")}, `Trigger "a" is given twice`},
		{"a long event", inngestgo.MultipleTriggers{event(strings.Repeat("b", 256))}, "at most 255 bytes, this one has 256"},
		{"a long schedule", inngestgo.MultipleTriggers{inngestgo.CronTrigger(strings.Repeat(" ", 247) + nine)}, "at most 255 bytes, this one has 256"},
		{"a schedule that never fires", inngestgo.MultipleTriggers{inngestgo.CronTrigger("0 0 30 2 *")}, `Cron "0 0 30 2 *" never fires`},
		{"long jitter", inngestgo.MultipleTriggers{jittered(time.Hour)}, `Jitter "1h0m0s" is out of range`},
		{"an event without a name", inngestgo.MultipleTriggers{event("")}, "an event without a name"},
		{"neither event nor schedule", inngestgo.MultipleTriggers{{}}, "an event without a name"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			client, _ := sdkClient(t)
			_, err := inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "fn"}, tc.triggers, sdkHello)
			require.NoError(t, err)
			_, err = inngestkit.FromClient(client)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, `inngestkit: from client: function "fn": `)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// Servers run a debounced schedule repeatedly.
func TestFromClientRefusesADebouncedSchedule(t *testing.T) {
	t.Parallel()
	client, _ := sdkClient(t)
	_, err := inngestgo.CreateFunction(client,
		inngestgo.FunctionOpts{ID: "fn", Debounce: &inngestgo.ConfigDebounce{Period: time.Minute}},
		inngestgo.MultipleTriggers{inngestgo.EventTrigger("a", nil), inngestgo.CronTrigger("0 9 * * *")}, sdkHello)
	require.NoError(t, err)
	_, err = inngestkit.FromClient(client)
	require.ErrorContains(t, err, `inngestkit: from client: function "fn": Debounce "1m0s" cannot be combined with a schedule`)
}

// The configuration of an adopted app comes from the client's options.
func TestFromClientUsesTheClientsConfiguration(t *testing.T) {
	t.Parallel()
	server := newAPI(t, synced)
	client, _ := sdkClient(t, signing, func(o *inngestgo.ClientOpts) {
		u := *mustURL(t, "https://shop.test/x/inngest")
		o.URL, o.Env, o.AppVersion, o.EventKey = &u, new("branch"), new("v7"), new("an-event-key")
		o.APIBaseURL, o.RegisterURL = nil, new(server.URL+"/fn/register")
		o.MaxBodySize = 1 << 10
	})
	createFn(t, client, "fn", sdkHello)
	app, err := inngestkit.FromClient(client)
	require.NoError(t, err)
	require.NoError(t, app.Sync(t.Context()))
	last, _ := app.LastSync()
	require.Equal(t, "https://shop.test/x/inngest", last.URL)
	requests, bodies := server.seen()
	require.Equal(t, "branch", requests[0].Header.Get("X-Inngest-Env"))
	require.Contains(t, bodies[0], `"appVersion":"v7"`)
	get := withHeader(request(http.MethodGet, "", ""), "X-Inngest-Signature", sign(t, signingKey, "", time.Now()))
	body := app.Do(t.Context(), get).Body
	for _, want := range []string{`"mode":"cloud"`, `"has_event_key":true`, `"has_signing_key_fallback":true`, `"api_origin":"` + server.URL} {
		require.True(t, bytes.Contains(body, []byte(want)), "%s in %s", want, body)
	}
	large := request(http.MethodPost, "fnId=app-fn", strings.Repeat(" ", 1<<10+1))
	withHeader(large, "X-Inngest-Signature", sign(t, signingKey, "", time.Now()))
	require.Equal(t, http.StatusRequestEntityTooLarge, app.Do(t.Context(), large).Status)

	client, _ = sdkClient(t, func(o *inngestgo.ClientOpts) { o.RegisterURL = new("http://elsewhere.test/fn/register") })
	_, err = inngestkit.FromClient(client)
	require.ErrorContains(t, err, "RegisterURL is not /fn/register of its APIBaseURL")
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	require.NoError(t, err)
	return u
}

// The app's middleware wraps adopted functions, and the steps of package step in them.
func TestAdoptedFunctionsHaveTheAppsMiddleware(t *testing.T) {
	t.Parallel()
	var tr trace
	app, _ := adopt(t, func(ctx context.Context, _ input) (any, error) {
		return step.Run(ctx, "a", func(context.Context) (string, error) { return "a", nil })
	})
	app.Use(tr.middleware("app"))
	require.Equal(t, "a", ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]["data"])
	require.Equal(t, []string{"app: fn begins", "app: step a begins", "app: step a finished", "app: fn yielded"}, tr.take())
}

// The app does not use the SDK's default logger, which always writes colors.
func TestAdoptedAppLogsWithoutTheSDKsColours(t *testing.T) {
	t.Parallel()
	var own log
	for name, logger := range map[string]*slog.Logger{
		"the SDK's":  nil, // slog.Default()
		"the user's": slog.New(slog.NewTextHandler(&own, nil)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := inngestgo.NewClient(inngestgo.ClientOpts{AppID: "app", Dev: new(true), Logger: logger})
			require.NoError(t, err)
			createFn(t, client, "fn", sdkHello)
			var got *slog.Logger
			_, err = inngestkit.FromClient(client, func(c *inngestkit.Config) { got = c.Logger })
			require.NoError(t, err)
			require.Equal(t, logger, got)
		})
	}
}
