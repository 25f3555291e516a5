package faults_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// The clocks of the app and the server cannot be set apart on one machine, so the proxy
// rewrites what they tell each other: it signs calls as a server does whose clock is off,
// and shifts the times that an app sends.

// clocks are how far the server's clock is ahead of the app's.
var clocks = map[string]struct {
	short string
	ahead time.Duration
}{
	"app an hour behind": {"gin", time.Hour},
	"app an hour ahead":  {"fiber", -time.Hour},
}

// An app whose clock is an hour off refuses all calls and says why. Once the clock is right,
// all runs complete.
func TestClockOfCalls(t *testing.T) {
	t.Parallel()
	for name, test := range clocks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withAdapters(t, test.short, func(t *testing.T, framework string) {
				l := lab.New(t, lab.Config{Framework: framework, Backend: lab.SQLite(t)})
				refused := make(chan int, 1000)
				l.Calls.Inject(func(e *lab.Exchange) lab.Fault {
					return lab.Fault{
						Rewrite:       func(e *lab.Exchange) { signAt(t, e, time.Now().Add(test.ahead)) },
						AfterResponse: func() { refused <- e.Status },
					}
				})
				l.Send(app.Steps, 5)
				for range 10 {
					require.Equal(t, http.StatusUnauthorized, <-refused)
				}
				require.Zero(t, l.Ledger.Count(lab.Started, ""))
				require.Contains(t, l.Processes[0].Log(), "the signature is too old or from the future; compare the clocks")
				l.Calls.Inject(func(*lab.Exchange) lab.Fault { return lab.Fault{} })
				require.Zero(t, l.Holds().Repeated)
			})
		})
	}
}

// The proxy's own signatures are right: calls that it signs with the current time, or one
// that is off by less than the five minutes that are allowed, are accepted.
func TestClockOfCallsWithinTheLimit(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"right": 0, "four minutes behind": 4 * time.Minute, "four minutes ahead": -4 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, lab.Config{Framework: "nethttp", Backend: lab.SQLite(t)})
			l.Calls.Inject(func(*lab.Exchange) lab.Fault {
				return lab.Fault{Rewrite: func(e *lab.Exchange) { signAt(t, e, time.Now().Add(ahead)) }}
			})
			l.Send(app.Steps, 5)
			require.Zero(t, l.Holds().Repeated)
		})
	}
}

// The times in an app's sends and checkpoints do not matter to the server.
func TestClockOfTheApp(t *testing.T) {
	t.Parallel()
	for name, test := range clocks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withAdapters(t, test.short, func(t *testing.T, framework string) {
				l := lab.New(t, lab.Config{Framework: framework})
				shifted := shiftTimes(t, l, -test.ahead)
				sender := newSender(t, l)
				event := inngestkit.DefineEvent[app.Data](app.Checkpoints)
				for i := range 5 {
					item := strconv.Itoa(i)
					l.Ledger.Add(lab.Entry{
						Kind: lab.Sent, Function: app.Checkpoints, Item: item,
						Event: testsite.Send(t, sender, event.New(app.Data{Item: item})),
					})
				}
				require.Zero(t, l.Holds().Repeated)
				require.GreaterOrEqual(t, shifted(), 10, "times")
			})
		})
	}
}

// signAt signs a call as a server does whose clock shows at. Like the functions below, it
// runs in a goroutine of the proxy, which must not end.
func signAt(t *testing.T, e *lab.Exchange, at time.Time) {
	t.Helper()
	signature, err := inngestgo.Sign(t.Context(), at, []byte(lab.SigningKey), e.RequestBody)
	assert.NoError(t, err)
	e.Request.Header.Set("X-Inngest-Signature", signature)
}

// shiftTimes shifts the times in sends and checkpoints. It returns a function that counts
// them.
func shiftTimes(t *testing.T, l *lab.Lab, by time.Duration) (shifted func() int) {
	t.Helper()
	return everyRequest(l, func(e *lab.Exchange) func(*lab.Exchange) {
		switch {
		case e.Request.Header.Get(seedHeader) != "":
			return func(e *lab.Exchange) { shiftSeed(t, e, by) }
		case strings.HasPrefix(e.Request.URL.Path, checkpointPath):
			return func(e *lab.Exchange) { shiftStart(t, e, by) }
		default:
			return nil
		}
	})
}

// shiftSeed shifts the time in the seed of the IDs of events.
func shiftSeed(t *testing.T, e *lab.Exchange, by time.Duration) {
	t.Helper()
	at, entropy, _ := strings.Cut(e.Request.Header.Get(seedHeader), ",")
	ms, err := strconv.ParseInt(at, 10, 64)
	assert.NoError(t, err)
	e.Request.Header.Set(seedHeader, strconv.FormatInt(ms+by.Milliseconds(), 10)+","+entropy)
}

// shiftStart shifts the start of the call in a checkpoint.
func shiftStart(t *testing.T, e *lab.Exchange, by time.Duration) {
	t.Helper()
	const started = "request_started_at"
	var body map[string]json.RawMessage
	assert.NoError(t, json.Unmarshal(e.RequestBody, &body))
	ms, err := strconv.ParseInt(string(body[started]), 10, 64)
	assert.NoError(t, err)
	body[started] = json.RawMessage(strconv.FormatInt(ms+by.Milliseconds(), 10))
	e.RequestBody, err = json.Marshal(body)
	assert.NoError(t, err)
}
