package mistakes

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var serving = []mistake{
	{"The server calls a function that is gone", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		req := request(http.MethodPost, call)
		req.RawQuery = "fnId=shop-goodbye&stepId=step"
		return messageOf(t, app.Do(t.Context(), req))
	}},
	{"A redirect makes GET of a call", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		return messageOf(t, app.Do(t.Context(), request(http.MethodGet, "")))
	}},
	{"A method that Inngest does not use", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		return messageOf(t, app.Do(t.Context(), request(http.MethodDelete, "")))
	}},
	{"A body above MaxBodyBytes", func(t *testing.T) string {
		config := dev()
		config.MaxBodyBytes = 64
		app, _ := newApp(t, config, onUser())
		return messageOf(t, app.Do(t.Context(), request(http.MethodPost, call+strings.Repeat(" ", 64))))
	}},
	{"Fiber's BodyLimit is too low", func(t *testing.T) string {
		app, l := newApp(t, dev(), onUser())
		req := request(http.MethodPost, call)
		req.BodyLimit = 1 << 20
		require.Equal(t, http.StatusOK, app.Do(t.Context(), req).Status)
		return l.line(t, "BodyLimit")
	}},
	{"A timeout around the endpoint", func(t *testing.T) string {
		app, l := newApp(t, dev(), onUser())
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		require.Equal(t, http.StatusOK, app.Do(ctx, request(http.MethodPost, call)).Status)
		return l.line(t, "timeout")
	}},
	{"A WriteTimeout that cannot be lifted", func(t *testing.T) string {
		app, l := newApp(t, dev(), onUser())
		req := request(http.MethodPost, call)
		req.WriteTimeout = 10 * time.Second
		require.Equal(t, http.StatusOK, app.Do(t.Context(), req).Status)
		return l.line(t, "WriteTimeout")
	}},
	{"A call while the app shuts down", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		require.NoError(t, app.Shutdown(t.Context()))
		return messageOf(t, app.Do(t.Context(), request(http.MethodPost, call)))
	}},
}
