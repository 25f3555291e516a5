package mistakes

import (
	"net/http"
	"strings"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// sends sends an event, which fails.
func sends(config inngestkit.Config, event inngestkit.AnyEvent) func(t *testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		app, _ := newApp(t, config)
		_, err := app.Send(t.Context(), event)
		return fails(t, err)
	}
}

var sending = []mistake{
	{"Send without a context of a request", func(t *testing.T) string {
		_, err := inngestkit.Send(t.Context(), userCreated.New(user{}))
		return fails(t, err)
	}},
	{"Send to Inngest Cloud without an event key", sends(inngestkit.Config{AppID: "shop", SigningKey: signingKey}, userCreated.New(user{}))},
	{"Send with a wrong event key", func(t *testing.T) string {
		config := cloud()
		config.HTTPClient = &http.Client{Transport: answering(http.StatusUnauthorized, `{"error":"Event key not found","status":401}`)}
		return sends(config, userCreated.New(user{}))(t)
	}},
	{"An event that is sent without a name", sends(dev(), inngestkit.Event[user]{})},
	{"An event that is sent with text as its data", sends(dev(), inngestkit.NewEvent[string]("user/created").New("u1"))},
	{"An event with a name of Inngest's own", sends(dev(), inngestkit.NewEvent[user]("inngest/user.created").New(user{}))},
	{"An event that is too large", sends(dev(), userCreated.New(user{Email: strings.Repeat("x", 4<<20)}))},
	{"A timestamp in seconds", func(t *testing.T) string {
		event := userCreated.New(user{})
		event.Timestamp = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
		return sends(dev(), event)(t)
	}},
}
