package inngestkit_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// stuck is a body whose sender sends a part of it, and then hangs.
type stuck struct {
	io.Reader

	hang <-chan struct{}
}

func (s stuck) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil {
		<-s.hang
	}
	return n, err
}

// largeCall returns a call of 4 MiB, signed with a key. It contains its event twice.
func largeCall(t *testing.T, key string) *adapter.Request {
	t.Helper()
	body := signUpEnvelope(user{ID: strings.Repeat("x", 2<<20)}).json(t)
	return withHeader(request(http.MethodPost, "fnId=app-fn", body), "X-Inngest-Signature", sign(t, key, body, time.Now()))
}

const strangersKey = "signkey-test-00000000"

// hang makes strangers send so many large bodies, without their ends, that no more of them
// are read. They hang until the test ends.
func hang(t *testing.T, app *inngestkit.App) {
	t.Helper()
	end := make(chan struct{})
	var all sync.WaitGroup
	t.Cleanup(func() {
		close(end)
		all.Wait()
	})
	for range 15 {
		req := largeCall(t, strangersKey)
		req.ContentLength++
		req.Body = stuck{req.Body, end}
		all.Go(func() { app.Do(t.Context(), req) })
	}
	synctest.Wait()
}

// Strangers who send large bodies and hang hold up large calls of the server, but only for a
// time, and small ones not at all.
func TestStrangersWhoHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app, l := newAppWith(t, cloud, onSignUp(hello))
		hang(t, app)
		begun := time.Now()
		body := signUpEnvelope(user{}).json(t)
		small := withHeader(request(http.MethodPost, "fnId=app-fn", body), "X-Inngest-Signature", sign(t, signingKey, body, begun))
		require.Equal(t, http.StatusOK, app.Do(t.Context(), small).Status)
		require.Zero(t, time.Since(begun))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		refused := app.Do(ctx, largeCall(t, signingKey))
		require.Equal(t, http.StatusServiceUnavailable, refused.Status)
		require.NotEmpty(t, refused.Header.Get("Retry-After"))
		require.Equal(t, "false", refused.Header.Get("X-Inngest-No-Retry"))
		require.Contains(t, message(t, refused), "too many large bodies arrive at the same time")
		require.Contains(t, l.String(), "too many large bodies")

		require.Equal(t, http.StatusOK, app.Do(t.Context(), largeCall(t, signingKey)).Status)
		require.Less(t, time.Since(begun), 10*time.Second)
	})
}

// Large bodies count only until their signature is verified, whether it is valid or not.
func TestLargeBodiesCountUntilTheyAreVerified(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var calls sync.WaitGroup
		app, _ := newAppWith(t, cloud, onSignUp(func(context.Context, input) (string, error) {
			<-release
			return "", nil
		}))
		for range 20 {
			require.Equal(t, http.StatusUnauthorized, app.Do(t.Context(), largeCall(t, strangersKey)).Status)
			calls.Go(func() { app.Do(t.Context(), largeCall(t, signingKey)) })
			synctest.Wait()
		}
		close(release)
		calls.Wait()
		require.Zero(t, time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), "a body has waited for another one")
		require.NoError(t, app.Shutdown(t.Context()))
	})
}
