package inngestkit_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

func TestWithValues(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "from ctx"))
	with := inngestkit.WithValues(context.WithValue(ctx, key{}, "covered"), map[any]any{"tenant": "acme", key{}: "covers", "nil": nil})
	require.Equal(t, "acme", with.Value("tenant"))
	require.Equal(t, "covers", with.Value(key{}))
	require.Nil(t, with.Value("nil"))
	require.Nil(t, with.Value("absent"))
	cancel()
	require.ErrorIs(t, with.Err(), context.Canceled)
	require.Equal(t, ctx, inngestkit.WithValues(ctx, nil))
}

type named string

func TestWithCopies(t *testing.T) {
	t.Parallel()
	memory := []byte("aaaa")
	text := unsafe.String(&memory[0], len(memory))
	stored := map[any]any{
		"string": text, "named": named(text), "strings": []string{text}, "named strings": []named{named(text)}, "bytes": memory[:2:4],
		"raw": json.RawMessage(memory), "nil": nil, "no bytes": []byte(nil), "number": 1, "numbers": []int{1},
	}
	ctx := inngestkit.WithCopies(t.Context(), func(visitor func(key, value any)) {
		for key, value := range stored {
			visitor(key, value)
		}
		visitor(named(text), "key")
		visitor([]string{"no key"}, "value")
	})
	copy(memory, "bbbb") // the next request
	for key, want := range map[any]any{
		"string": "aaaa", "named": named("aaaa"), "strings": []string{"aaaa"}, "named strings": []named{"aaaa"}, "bytes": []byte("aa"),
		"raw": json.RawMessage("aaaa"), "nil": nil, "no bytes": []byte(nil), "number": 1, "numbers": []int{1}, named("aaaa"): "key",
	} {
		require.Equal(t, want, ctx.Value(key), "%v", key)
	}
	require.Nil(t, ctx.Value([]string{"no key"}))
}

func TestWithLookup(t *testing.T) {
	t.Parallel()
	ctx := context.WithValue(t.Context(), signingKey, "from ctx") //nolint:staticcheck // any key will do
	with, end := inngestkit.WithLookup(ctx, func(key any) any {
		if key == "tenant" {
			return "acme"
		}
		return nil
	})
	require.Equal(t, "acme", with.Value("tenant"))
	require.Equal(t, "from ctx", with.Value(signingKey))
	require.Nil(t, with.Value("absent"))
	end()
	end()
	require.Nil(t, with.Value("tenant"), "the framework's context is another request's now")
	require.Equal(t, "from ctx", with.Value(signingKey))
}

// Middleware finds the request, also after it is over.
func TestFunctionCallRequest(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		return step.Run(ctx, "a", func(context.Context) (string, error) { return "", nil })
	}))
	var seen, inStep *inngestkit.Request
	app.Use(inngestkit.Middleware{
		Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
			return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
				seen = call.Request
				return next(ctx, call)
			}
		},
		Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
			return func(ctx context.Context, s *inngestkit.StepCall) (any, error) {
				inStep = s.Function.Request
				return next(ctx, s)
			}
		},
	})
	req := withHeader(callRequest(t, signUpEnvelope(user{})), "X-Custom", "one")
	req.Header.Add("X-Custom", "two")
	require.Equal(t, http.StatusPartialContent, app.Do(t.Context(), req).Status)
	require.Equal(t, []string{"one", "two"}, seen.Header.Values("X-Custom"))
	require.Equal(t, "app.test", seen.Host)
	require.Equal(t, "fnId=app-fn&stepId=step", seen.RawQuery)
	require.Nil(t, seen.Body, "it would keep the body alive, or memory that the framework uses again")
	require.Same(t, seen, inStep)
}

func TestSendFromAContext(t *testing.T) {
	t.Parallel()
	_, err := inngestkit.Send(t.Context(), signedUp.New(user{}))
	require.ErrorContains(t, err, "install the Middleware of the adapter")
	require.Equal(t, http.StatusInternalServerError, inngestkit.SendStatus(err))

	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) { accepted(w, "e1") })
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL})
	ids, err := inngestkit.Send(inngestkit.NewContext(t.Context(), app), signedUp.New(user{}))
	require.NoError(t, err)
	require.Equal(t, []string{"e1"}, ids)
	_, bodies := server.seen()
	require.Contains(t, bodies[0], "user/signed-up")
	require.NoError(t, app.Shutdown(t.Context()))
}
