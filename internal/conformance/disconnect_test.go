package conformance

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// Over a real connection: the client hangs up in mid-function, the function's
// context ends, its next step does not run, and the answer, if anybody read it,
// would not be that of a completed run.
func TestClientHangsUp(t *testing.T) {
	t.Parallel()
	eachAdapter(t, func(t *testing.T, with adapter) {
		running := make(chan struct{})
		var c counter
		app, err := inngestkit.New(inngestkit.Config{AppID: "app", Dev: true, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		require.NoError(t, app.Register(inngestkit.OnEvent("fn", signedUp, func(ctx context.Context, _ input) (string, error) {
			close(running)
			<-ctx.Done()
			return step.Run(ctx, "next", func(context.Context) (string, error) { c.add("next"); return "", nil })
		})))
		answered := make(chan int, 1)
		handler := with.mount(app)
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			recorded := httptest.NewRecorder()
			handler.ServeHTTP(recorded, r)
			answered <- recorded.Code
		}))
		defer server.Close()

		ctx, hangUp := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+with.path+"?fnId=app-fn",
			strings.NewReader(`{"ctx":{"run_id":"r"},"event":{"name":"user/signed-up","data":{}}}`))
		require.NoError(t, err)
		failed := make(chan error, 1)
		go func() {
			resp, err := server.Client().Do(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			failed <- err
		}()
		<-running
		hangUp()
		require.ErrorIs(t, <-failed, context.Canceled)
		require.Equal(t, http.StatusInternalServerError, <-answered)
		require.Zero(t, c.of("next"))
	})
}
