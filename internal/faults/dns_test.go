package faults_test

import (
	"context"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// host is the name of the Inngest server.
const host = "inngest.test"

// nameFailures are failures that the app notices at once.
var nameFailures = map[string]struct {
	short string
	how   lab.NameFailure
}{
	"the name is unknown":   {"fiber", lab.Unknown},
	"the name server fails": {"gin", lab.Broken},
}

// named returns a URL with the name of the host.
func named(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	u.Host = net.JoinHostPort(host, u.Port())
	return u.String()
}

// While the server's name does not resolve, calls are served, and results that cannot be
// sent as checkpoints are in the responses. Afterwards they are checkpoints again. A name
// server that does not answer is not among the cases: the first checkpoint then takes 30 s
// (TestCheckpointsGetNoResponse in core).
func TestCallsWithoutNames(t *testing.T) {
	t.Parallel()
	for name, test := range nameFailures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withAdapters(t, test.short, func(t *testing.T, framework string) {
				names := lab.StartResolver(t)
				l := lab.New(t, lab.Config{Framework: framework, App: func(_ int, cfg *app.Config) {
					cfg.Resolver, cfg.Server, cfg.API = names.Addr(), named(t, cfg.Server), named(t, cfg.API)
				}})
				names.Fail(test.how)
				before := l.API.Exchanges()
				l.Send(app.Checkpoints, 3)
				require.Zero(t, l.Holds().Repeated)
				require.Positive(t, names.Failed())
				require.Equal(t, before, l.API.Exchanges(), "requests that found the server")

				names.Fail(lab.Resolves)
				l.Send(app.Checkpoints, 3)
				require.Zero(t, l.Holds().Repeated)
				require.Greater(t, l.API.Exchanges(), before, "requests that found the server")
			})
		})
	}
}

// A send fails at the end of its context with an error that names the host, and works once
// the name resolves. Without a deadline it gives up by itself.
func TestSendWithoutNames(t *testing.T) {
	t.Parallel()
	for name, test := range nameFailures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			names := lab.StartResolver(t)
			l := lab.New(t, lab.Config{Framework: test.short})
			sender := newNamedSender(t, l, names)
			event := inngestkit.DefineEvent[app.Data](app.Once).New(app.Data{Item: "x"})

			names.Fail(test.how)
			require.ErrorContains(t, sendWithin(t, time.Second, sender, event), host)
			if *longForm {
				_, err := sender.Send(t.Context(), event)
				require.ErrorContains(t, err, host)
			}
			sendNamed(t, l, names, sender, event)
		})
	}
}

// A name server that does not answer holds up a send until the end of its context, and not
// longer. The error says what the send was waiting for.
func TestSendWithoutAnswer(t *testing.T) {
	t.Parallel()
	names := lab.StartResolver(t)
	l := lab.New(t, lab.Config{Framework: "echo"})
	sender := newNamedSender(t, l, names)
	event := inngestkit.DefineEvent[app.Data](app.Once).New(app.Data{Item: "x"})
	names.Fail(lab.Silent)
	err := sendWithin(t, time.Second, sender, event)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "looking up the name "+host)
	require.Positive(t, names.Failed())
	sendNamed(t, l, names, sender, event)
}

// newNamedSender returns an app that sends events to the host.
func newNamedSender(t *testing.T, l *lab.Lab, names *lab.Resolver) *inngestkit.App {
	t.Helper()
	sender, err := inngestkit.New(inngestkit.Config{
		AppID: "sender", Dev: true, BaseURL: named(t, "http://"+l.API.Addr()), HTTPClient: app.ClientOf(names.Addr()),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sender.Shutdown(context.WithoutCancel(t.Context()))) })
	return sender
}

func sendWithin(t *testing.T, d time.Duration, sender *inngestkit.App, event inngestkit.AnyEvent) error {
	t.Helper()
	within, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	_, err := sender.Send(within, event)
	return err
}

// sendNamed sends an event once names resolve, and requires one run in all.
func sendNamed(t *testing.T, l *lab.Lab, names *lab.Resolver, sender *inngestkit.App, event inngestkit.AnyEvent) {
	t.Helper()
	names.Fail(lab.Resolves)
	l.Ledger.Add(lab.Entry{Kind: lab.Sent, Function: app.Once, Item: "x", Event: testsite.Send(t, sender, event)})
	require.Equal(t, 1, l.Holds().Started)
}
