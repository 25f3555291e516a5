package inngestkit_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// rounded is an integer that the server would round, to ...992.
const rounded = 1<<53 + 1

// roundedWays has every way in which an integer reaches the server.
var roundedWays = []struct {
	name string
	call func(ctx context.Context, app *inngestkit.App) (any, error)
	want string
}{
	{"step", func(ctx context.Context, _ *inngestkit.App) (any, error) {
		return step.Run(ctx, "s", func(context.Context) (user, error) { return user{Number: rounded}, nil })
	}, `the result of step "s" has an integer at number`},
	{"output", func(context.Context, *inngestkit.App) (any, error) { return []int{rounded}, nil }, `the output of function "fn" has an integer at []`},
	{"invoke", func(ctx context.Context, _ *inngestkit.App) (any, error) {
		return step.Invoke(ctx, "s", inngestkit.Ref[user, any]{FunctionID: "other"}, user{Number: rounded})
	}, `the data of step "s" has an integer at number`},
	{"infer", func(ctx context.Context, _ *inngestkit.App) (any, error) {
		return step.Infer[any](ctx, "s", step.InferRequest{URL: "https://models.test", Body: map[string]int{"seed": rounded}})
	}, `the request of step "s" has an integer at seed`},
	{"send", func(ctx context.Context, app *inngestkit.App) (any, error) {
		return app.Send(ctx, signedUp.New(user{Number: rounded}))
	}, `the data of event "user/signed-up" has an integer at data.number`},
	{"send event", func(ctx context.Context, _ *inngestkit.App) (any, error) {
		return step.SendEvent(ctx, "s", signedUp.New(user{Number: rounded}))
	}, `the data of event "user/signed-up" has an integer at data.number`},
	{"signal", func(ctx context.Context, app *inngestkit.App) (any, error) {
		return nil, app.SendSignal(ctx, "approve", user{Number: rounded})
	}, `the data of a signal has an integer at number`},
}

// roundingApp returns an app with the function fn, and a server that accepts everything.
func roundingApp(
	t *testing.T, refuse bool, call func(ctx context.Context, app *inngestkit.App) (any, error),
) (*inngestkit.App, *log) {
	t.Helper()
	server := newAPI(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if strings.HasPrefix(r.URL.Path, "/e/") {
			accepted(w, "id1")
			return
		}
		_, _ = w.Write([]byte(`{"data":{}}`))
	})
	config := inngestkit.Config{Dev: true, BaseURL: server.URL, RefuseRoundedIntegers: refuse}
	var app *inngestkit.App
	app, l := newAppWith(t, config, onSignUp(func(ctx context.Context, _ input) (any, error) { return call(ctx, app) }))
	return app, l
}

// An integer that the server would round is logged once, without the number.
func TestRoundedIntegersAreLogged(t *testing.T) {
	t.Parallel()
	for _, way := range roundedWays {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			app, l := roundingApp(t, false, way.call)
			for range 3 {
				require.Less(t, callFn(t.Context(), t, app, signUpEnvelope(user{})).Status, 300)
			}
			told := strings.ReplaceAll(l.String(), `\"`, `"`)
			require.Equal(t, 1, strings.Count(told, "that the Inngest server would round"), told)
			require.Contains(t, told, "inngest: "+way.want)
			require.NotContains(t, told, "9007199254740993")
		})
	}
}

// With the option, the step, function or send fails and is not retried.
func TestRoundedIntegersAreRefused(t *testing.T) {
	t.Parallel()
	for _, way := range roundedWays {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			app, _ := roundingApp(t, true, way.call)
			for range 2 {
				resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
				require.Contains(t, strings.ReplaceAll(string(resp.Body), `\"`, `"`), way.want)
				require.NotContains(t, string(resp.Body), "9007199254740993")
				if way.name != "signal" { // whose sender may be outside of a function
					require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"))
				}
			}
		})
	}
}

// The data of a memoized step.Invoke is not checked again.
func TestMemoizedInvokeIsNotChecked(t *testing.T) {
	t.Parallel()
	app, l := roundingApp(t, true, roundedWays[2].call)
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}).done("s", "out"))
	require.Equal(t, `"out"`, string(resp.Body))
	require.NotContains(t, l.String(), "round")
}

// Durations, times and large fractions are not rounded, whether or not they are integers.
func TestIntegersThatAreNotRounded(t *testing.T) {
	t.Parallel()
	type kept struct {
		ID    int64 `json:"id,string"`
		Text  string
		Large float64
		Wait  time.Duration
	}
	app, l := roundingApp(t, true, func(ctx context.Context, _ *inngestkit.App) (any, error) {
		return step.Run(ctx, "s", func(context.Context) (kept, error) {
			return kept{rounded, "9007199254740993", 616581622363398142, 24 * time.Hour}, nil
		})
	})
	require.Equal(t, "StepRun", ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]["op"])
	require.NotContains(t, l.String(), "round")
}
