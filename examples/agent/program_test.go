package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/examples/agent/internal/fakemodel"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// The program on the real Inngest server, which makes the requests to the model.
func TestProgram(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, Model{}))
	t.Log(out.String())
	rest := out.String()
	for _, line := range []string{ // in this order
		"customer: " + fakemodel.Question,
		`tools="[find_order find_order]"`,
		`error="you have no order \"1O43\""`,
		`model: refuses" status=429`,
		"tools=[refund_order]",
		"a human has to decide",
		"human: approves refund_order",
		"tool=refund_order",
		"agent, after 3 rounds: " + fakemodel.Refunded,
		"ask-model-1 ",
		"ask-model-2 ",
		"refund_order-2.1 ",
	} {
		_, after, found := strings.Cut(rest, line)
		require.True(t, found, "%s\nin\n%s", line, rest)
		rest = after
	}
}

// The key reaches the model of the environment, and nobody's log.
func TestKeyIsSecret(t *testing.T) {
	t.Parallel()
	const key = "sk-planted-6c1f0a"
	var out, serverLog bytes.Buffer
	fake := &fakemodel.Model{Key: key, Logger: newLogger(&bytes.Buffer{})}
	model := httptest.NewServer(fake)
	defer model.Close()
	server := devserver.New(t, devserver.Config{Log: &serverLog, Args: []string{"--verbose"}, RetryInterval: time.Second})
	require.NoError(t, play(t.Context(), &out, server, Model{BaseURL: model.URL, Key: inngestkit.Secret(key), Name: "own"}))
	require.Contains(t, out.String(), fakemodel.Refunded, "the model has accepted the key")
	require.NotContains(t, out.String(), key)
	require.NoError(t, server.Stop())
	require.NotEmpty(t, serverLog.String())
	require.NotContains(t, serverLog.String(), key)
}

func TestModelFromEnv(t *testing.T) {
	for name, test := range map[string]struct {
		key, url, model string
		want            Model
	}{
		"nothing":       {},
		"key":           {key: "sk-1", want: Model{"https://api.openai.com/v1", "sk-1", "gpt-4o-mini"}},
		"own":           {url: "http://localhost:11434/v1/", model: "qwen3", want: Model{"http://localhost:11434/v1", "", "qwen3"}},
		"gateway":       {key: "k", url: "https://gateway.test/openai", want: Model{"https://gateway.test/openai", "k", "gpt-4o-mini"}},
		"only the name": {model: "gpt-5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OPENAI_API_KEY", test.key)
			t.Setenv("OPENAI_BASE_URL", test.url)
			t.Setenv("OPENAI_MODEL", test.model)
			require.Equal(t, test.want, modelFromEnv())
		})
	}
}

// The routes reject what they cannot use.
func TestRoutes(t *testing.T) {
	t.Parallel()
	app, routes, err := newApp(inngestkit.Config{AppID: "agent", Dev: true}, Model{}, newTestShop())
	require.NoError(t, err)
	defer func() { require.NoError(t, app.Shutdown(context.Background())) }()
	for target, want := range map[string]int{
		"POST /questions no JSON":             http.StatusBadRequest,
		"POST /approvals/x no JSON":           http.StatusBadRequest,
		`POST /approvals/x {"approved":true}`: http.StatusNotFound,
		"GET /approvals ":                     http.StatusOK,
	} {
		parts := strings.SplitN(target, " ", 3)
		w := httptest.NewRecorder()
		routes.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), parts[0], parts[1], strings.NewReader(parts[2])))
		require.Equal(t, want, w.Code, target)
	}
}

// Ctrl-C stops everything.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, run(ctx, &bytes.Buffer{}, Model{}), context.Canceled)
}
