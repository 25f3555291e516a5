package conformance

import (
	"context"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/require"

	inngestcel "github.com/inngestkit/inngestkit/contrib/cel"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// What contrib/cel reports about an expression is what the server does with it at a sync.
// The functions are the SDK's, whose expressions Register does not check.
func TestCELAgreesWithTheServer(t *testing.T) {
	t.Parallel()
	server := testsite.NewServer(t)
	for _, tc := range []struct {
		expression       string
		oneEvent, twoToo bool // whether it is accepted for one event, and for two
	}{
		{"event.data.id", true, true},
		{`event.data["user-id"] == 'x'`, true, true},
		{"int(event.data.n) > 1 && !(event.data.m in [1, 2]) ? true : false", true, true},
		{"event.data.n + 1 > 1.5", true, false},
		{"event.data.n % 2 == 0", true, false},
		{"event.data.list.exists(x, x == 1)", true, false},
		{"has(event.data.id)", true, false},
		{"size(event.data.list) > 1", true, false},
		{"event.data.id.startsWith('x')", true, false},
		{"lowercase(event.data.id) == uppercase(event.data.id)", true, false},
		{"date(event.ts) > now_minus('1h') && now() < now_plus('1h')", true, false},
		{"json_parse(event.data.id).x == b64decode(event.data.y)", true, false},
		{"timestamp('2026-01-01T00:00:00Z') < now()", true, false},
		{"'a' == 1 || event.data.n == 'x' || 1 < 'b'", true, true},
		{"event.data.id ==", false, false},
		{"event.data.id = 'x'", false, false},
		{"lower(event.data.id)", false, false},
		{"lowercase(1) == 'x'", false, false},
		{"event.data.plan in [pro]", false, false},
		{"event.data.list.exists(x)", false, false},
		{"1 - 'x'", false, false},
		{"event.data.a & event.data.b", false, false},
	} {
		for _, over := range []struct {
			events string
			taken  bool
		}{{"one", tc.oneEvent}, {"two", tc.twoToo}} {
			app := adopting(t, server.URL(), tc.expression, over.events == "two")
			synced := app.Sync(testsite.Within(t))
			require.Equal(t, over.taken, synced == nil, "server: %s over %s: %v", tc.expression, over.events, synced)
			checked := inngestcel.Check(app)
			require.Equal(t, over.taken, checked == nil, "contrib/cel: %s over %s: %v", tc.expression, over.events, checked)
			if synced != nil {
				require.ErrorContains(t, synced, "At least one function is invalid")
				// The last one is for a server that has fetched the functions since and stored that result.
				require.Regexp(t, `probably about function "fn"$|(functions with expressions|one of these functions): fn$`, synced.Error())
			}
		}
	}
}

// adopting returns an app with a function of the SDK that has an expression.
func adopting(t *testing.T, serverURL, expression string, twoEvents bool) *inngestkit.App {
	t.Helper()
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{AppID: "cel", Dev: new(true), APIBaseURL: &serverURL})
	require.NoError(t, err)
	options := inngestgo.FunctionOpts{ID: "fn"}
	if twoEvents {
		options.Cancel = []inngestgo.ConfigCancel{{Event: "other", If: &expression}}
	} else {
		options.RateLimit = &inngestgo.ConfigRateLimit{Limit: 1, Period: time.Minute, Key: &expression}
	}
	_, err = inngestgo.CreateFunction(client, options, inngestgo.EventTrigger("cel/event", nil),
		func(context.Context, inngestgo.Input[any]) (any, error) { return nil, nil })
	require.NoError(t, err)
	app, err := inngestkit.FromClient(client, func(c *inngestkit.Config) { c.ServeHost = "127.0.0.1:1" })
	require.NoError(t, err)
	app.MountedAt(adapters[0].name, adapters[0].path)
	return app
}
