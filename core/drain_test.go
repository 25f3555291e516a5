package inngestkit_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// crowd is an app that runs two calls at once, whose function waits until it is released.
type crowd struct {
	app           *inngestkit.App
	running, most atomic.Int32
	release       chan struct{}
	responses     chan *adapter.Response
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	c := &crowd{release: make(chan struct{}), responses: make(chan *adapter.Response, 100)}
	config := cloud
	config.MaxInFlight = 2
	c.app, _ = newAppWith(t, config, onSignUp(func(context.Context, input) (string, error) {
		running := c.running.Add(1)
		defer c.running.Add(-1)
		for most := c.most.Load(); running > most && !c.most.CompareAndSwap(most, running); {
			most = c.most.Load()
		}
		<-c.release
		return "done", nil
	}))
	return c
}

// call calls the function in the background.
func (c *crowd) call(ctx context.Context, t *testing.T) {
	t.Helper()
	body := signUpEnvelope(user{}).json(t)
	req := withHeader(request(http.MethodPost, "fnId=app-fn", body), "X-Inngest-Signature", sign(t, signingKey, body, time.Now()))
	go func() { c.responses <- c.app.Do(ctx, req) }()
}

func TestMaxInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t)
		for range 10 {
			c.call(t.Context(), t)
		}
		synctest.Wait()
		require.EqualValues(t, 2, c.running.Load())
		require.Empty(t, c.responses, "further calls wait")
		for range 10 {
			c.release <- struct{}{}
			require.Equal(t, http.StatusOK, (<-c.responses).Status)
		}
		require.EqualValues(t, 2, c.most.Load())
		require.NoError(t, c.app.Shutdown(t.Context()))
	})
}

func TestMaxInFlightWhenTheCallerHangsUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t)
		c.call(t.Context(), t)
		c.call(t.Context(), t)
		synctest.Wait()
		ctx, hangUp := context.WithCancelCause(t.Context())
		c.call(ctx, t)
		synctest.Wait()
		hangUp(errors.New("the gateway's timeout"))
		gaveUp := <-c.responses
		require.Equal(t, http.StatusServiceUnavailable, gaveUp.Status)
		require.NotEmpty(t, gaveUp.Header.Get("Retry-After"))
		require.Equal(t, "false", gaveUp.Header.Get("X-Inngest-No-Retry"))
		require.Contains(t, message(t, gaveUp), "2 places")
		require.Contains(t, message(t, gaveUp), "the gateway's timeout")

		// It does not occupy a place: two more calls run.
		c.release <- struct{}{}
		c.release <- struct{}{}
		c.call(t.Context(), t)
		c.call(t.Context(), t)
		synctest.Wait()
		require.EqualValues(t, 2, c.running.Load())
		close(c.release)
		require.NoError(t, c.app.Shutdown(t.Context()))
	})
}

// When the app shuts down, calls that wait for a place get a 503, and calls that run
// end normally.
func TestMaxInFlightAndShutdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t)
		for range 5 {
			c.call(t.Context(), t)
		}
		synctest.Wait()
		done := make(chan error, 1)
		go func() { done <- c.app.Shutdown(t.Context()) }()
		for range 3 {
			resp := <-c.responses
			require.Equal(t, http.StatusServiceUnavailable, resp.Status)
			require.NotEmpty(t, resp.Header.Get("Retry-After"))
		}
		synctest.Wait()
		require.Empty(t, done, "two calls still run")
		close(c.release)
		require.NoError(t, <-done)
		require.Equal(t, http.StatusOK, (<-c.responses).Status)
		require.Equal(t, http.StatusOK, (<-c.responses).Status)
	})
}

// Unsigned and malformed requests are refused at once, even if every place is taken.
func TestRefusedRequestsTakeNoPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t)
		c.call(t.Context(), t)
		c.call(t.Context(), t)
		synctest.Wait()
		signed := func(query, body string) *adapter.Request {
			return withHeader(request(http.MethodPost, query, body), "X-Inngest-Signature", sign(t, signingKey, body, time.Now()))
		}
		good := signUpEnvelope(user{}).json(t)
		for status, req := range map[int]*adapter.Request{
			http.StatusUnauthorized: request(http.MethodPost, "fnId=app-fn", good),
			http.StatusBadRequest:   signed("fnId=app-fn", "{}"),
			http.StatusGone:         signed("fnId=app-other", good),
		} {
			require.Equal(t, status, c.app.Do(t.Context(), req).Status)
		}
		require.Equal(t, http.StatusOK, c.app.Do(t.Context(), request(http.MethodGet, "", "")).Status)
		close(c.release)
		require.NoError(t, c.app.Shutdown(t.Context()))
	})
}

func TestMaxInFlightIsValidated(t *testing.T) {
	t.Parallel()
	_, err := inngestkit.New(inngestkit.Config{AppID: "app", Dev: true, MaxInFlight: -1})
	require.ErrorContains(t, err, "MaxInFlight (INNGEST_MAX_IN_FLIGHT) is -1")
}
