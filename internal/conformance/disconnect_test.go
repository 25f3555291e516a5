package conformance

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// The client hangs up in the middle of a function, over a real connection. If the server
// notices, the function's context ends, its next step does not run, and the response,
// if anyone read it, would not be that of a completed run. If it does not notice, the call
// continues and ends as if the client were still there. In both cases the server keeps
// running.
func TestClientHangsUp(t *testing.T) {
	t.Parallel()
	eachAdapter(t, func(t *testing.T, with adapter) {
		running, release := make(chan struct{}), make(chan struct{})
		var c counter
		app, err := inngestkit.New(inngestkit.Config{AppID: "app", Dev: true, Logger: testsite.Logger(t)})
		require.NoError(t, err)
		require.NoError(t, app.Register(inngestkit.OnEvent("fn", signedUp, func(ctx context.Context, _ input) (string, error) {
			close(running)
			select {
			case <-ctx.Done():
				c.Add("the context ended")
			case <-release:
			}
			return step.Run(ctx, "next", func(context.Context) (string, error) { c.Add("next"); return "", nil })
		})))
		w := testsite.NewWire(t, "")
		url := "http://" + serveApp(t, with, app, w).addr + with.path

		ctx, hangUp := context.WithCancel(t.Context())
		client := testsite.NewClient(t)
		failed := make(chan error, 1)
		go func() {
			_, _, err := testsite.Request(ctx, client, http.MethodPost, url+"?fnId=app-fn",
				`{"ctx":{"run_id":"r"},"event":{"name":"user/signed-up","data":{}}}`, nil)
			failed <- err
		}()
		<-running
		hangUp()
		require.ErrorIs(t, <-failed, context.Canceled)
		answers := func(want ...string) func() bool {
			return func() bool { return slices.Equal(want, w.Statuses()) }
		}
		if with.hangUps {
			testsite.Eventually(t, time.Millisecond, answers("500"))
			require.Equal(t, []int{1, 0}, []int{c.Of("the context ended"), c.Of("next")})
			alive(t, client, url)
			return
		}
		alive(t, client, url)
		require.Equal(t, []string{"200"}, w.Statuses(), "the call continues to run")
		close(release)
		testsite.Eventually(t, time.Millisecond, answers("200", "206"))
		require.Equal(t, []int{0, 1}, []int{c.Of("the context ended"), c.Of("next")})
		alive(t, client, url)
	})
}

// The client hangs up while its call waits for a place of MaxInFlight. The call never runs:
// the Inngest server may have given it to another instance meanwhile.
func TestWaitingClientHangsUp(t *testing.T) {
	t.Parallel()
	eachAdapter(t, func(t *testing.T, with adapter) {
		if !with.hangUps {
			return // Lambda gives one call at a time to an instance
		}
		running, release := make(chan struct{}), make(chan struct{})
		var c counter
		app, err := inngestkit.New(inngestkit.Config{AppID: "app", Dev: true, MaxInFlight: 1, Logger: testsite.Logger(t)})
		require.NoError(t, err)
		require.NoError(t, app.Register(inngestkit.OnEvent("fn", signedUp, func(context.Context, input) (string, error) {
			c.Add("calls")
			close(running)
			<-release
			return "", nil
		})))
		w := testsite.NewWire(t, "")
		addr := serveApp(t, with, app, w).addr
		send := func() net.Conn {
			const body = `{"ctx":{"run_id":"r"},"event":{"name":"user/signed-up","data":{}}}`
			return dial(t, addr, fmt.Sprintf("POST %s?fnId=app-fn HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s",
				with.path, len(body), body))
		}
		send()
		<-running
		require.NoError(t, send().Close())
		answers := func(want ...string) func() bool {
			return func() bool { return slices.Equal(want, w.Statuses()) }
		}
		testsite.Eventually(t, time.Millisecond, answers("503"))
		close(release)
		testsite.Eventually(t, time.Millisecond, answers("503", "200"))
		require.Equal(t, 1, c.Of("calls"))
	})
}

// alive requires that the app at url responds.
func alive(t *testing.T, client *http.Client, url string) {
	t.Helper()
	status, _, err := testsite.Request(testsite.Within(t), client, http.MethodGet, url, "", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
}
