package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/inngesttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What the program does in production, internal/deploy tests on the real server.

func TestReport(t *testing.T) {
	t.Parallel()
	run := inngesttest.Run(t, makeReport(time.Millisecond), ReportRequested{Name: "sales"})
	require.Equal(t, Report{Name: "sales", Rows: 42, File: "sales.pdf"}, run.Output())
}

// Rendering ends with the call.
func TestRenderingEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := render(ctx, "sales", time.Hour)
	require.ErrorIs(t, err, context.Canceled)
}

// Mistakes in arguments and variables end the program with an error that names them.
func TestMistakes(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"arguments":       {args: []string{"sink"}, want: `unknown arguments ["sink"]`},
		"a duration":      {env: map[string]string{"DRAIN_TIMEOUT": "45"}, want: "DrainTimeout"},
		"no key":          {args: []string{"sync"}, want: "INNGEST_SIGNING_KEY"},
		"no app ID":       {args: []string{"sync"}, env: map[string]string{"INNGEST_APP_ID": ""}, want: "INNGEST_APP_ID"},
		"nobody responds": {args: []string{"health"}, env: map[string]string{"PORT": "1"}, want: "/health/inngest/livez"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("INNGEST_APP_ID", "reports")
			for variable, value := range tc.env {
				t.Setenv(variable, value)
			}
			require.ErrorContains(t, run(t.Context(), tc.args), tc.want)
		})
	}
}

// The program serves until its context ends.
func TestServe(t *testing.T) {
	inngest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer inngest.Close()
	t.Setenv("INNGEST_APP_ID", "reports")
	t.Setenv("INNGEST_DEV", inngest.URL)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, settings{DrainTimeout: 10 * time.Second}, listener) }()

	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	require.NoError(t, askHealth(t.Context(), settings{Port: port}))
	for body, want := range map[string]int{
		`{}`:               http.StatusBadRequest,
		`no JSON`:          http.StatusBadRequest,
		`{"name":"sales"}`: http.StatusInternalServerError, // the server refuses the event
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+listener.Addr().String()+"/reports", strings.NewReader(body))
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, want, resp.StatusCode, body)
	}
	cancel()
	require.NoError(t, <-served)
	http.DefaultClient.CloseIdleConnections()
}
