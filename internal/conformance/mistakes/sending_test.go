package mistakes

import (
	"context"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// sends returns a test that sends an event and returns the error.
func sends(config inngestkit.Config, event inngestkit.AnyEvent) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		app, _ := newApp(t, config)
		_, err := app.Send(t.Context(), event)
		return fails(t, err)
	}
}

var sending = []mistake{
	{"Send without the context of a request", func(t *testing.T) string {
		_, err := inngestkit.Send(t.Context(), userCreated.New(user{}))
		return fails(t, err)
	}},
	{"Send without a server", func(t *testing.T) string {
		config := dev()
		config.HTTPClient = &http.Client{Transport: refused}
		app, l := newApp(t, config, onUser())
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		_, err := app.Send(ctx, userCreated.New(user{}))
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		return l.Await(t, "not sent yet")
	}},
	{"Send to something that is not an Inngest server", func(t *testing.T) string {
		config := dev()
		config.BaseURL = "http://localhost:3000"
		config.HTTPClient = &http.Client{Transport: answering(http.StatusNotFound, "404 page not found")}
		return sends(config, userCreated.New(user{}))(t)
	}},
	{"Start forgotten", func(t *testing.T) string {
		config := dev()
		config.HTTPClient = &http.Client{Transport: answering(http.StatusOK, `{"ids":["01"],"status":200}`)}
		app, l := newApp(t, config, onUser())
		app.MountedAt("gin", "/api/inngest")
		_, err := app.Send(t.Context(), userCreated.New(user{}))
		require.NoError(t, err)
		return l.Await(t, "WARN")
	}},
	{"Send to Inngest Cloud without an event key", sends(inngestkit.Config{AppID: "shop", SigningKey: signingKey}, userCreated.New(user{}))},
	{"Send with a wrong event key", func(t *testing.T) string {
		config := cloud()
		config.HTTPClient = &http.Client{Transport: answering(http.StatusUnauthorized, `{"error":"Event key not found","status":401}`)}
		return sends(config, userCreated.New(user{}))(t)
	}},
	{"An event that is sent without a name", sends(dev(), inngestkit.Event[user]{})},
	{"An event that is sent with text as its data", sends(dev(), inngestkit.DefineEvent[string]("user/created").New("u1"))},
	{"An event with one of Inngest's own names", sends(dev(), inngestkit.DefineEvent[user]("inngest/user.created").New(user{}))},
	{"An event that is too large", sends(dev(), userCreated.New(user{Email: strings.Repeat("x", 4<<20)}))},
	{"A timestamp in seconds", func(t *testing.T) string {
		event := userCreated.New(user{})
		event.Timestamp = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
		return sends(dev(), event)(t)
	}},
}
