package faults_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

const (
	seedHeader     = "X-Inngest-Event-Id-Seed"
	checkpointPath = "/v1/checkpoint/"
)

// apiFaults are what the network does to the requests of an app to the server's API.
var apiFaults = map[string]struct {
	short string
	fault lab.Fault
}{
	"refused":                     {"gin", lab.Fault{Refuse: true}},
	"cut in the head":             {"echo", lab.Fault{CutRequest: 40}},
	"cut in the body":             {"fiber", lab.Fault{CutRequest: -20}},
	"delayed":                     {"fiberv3", lab.Fault{DelayRequest: 300 * time.Millisecond}},
	"response delayed":            {"echov5", lab.Fault{DelayResponse: 300 * time.Millisecond}},
	"response lost":               {"nethttp", lab.Fault{Reset: true}},
	"response cut":                {"gin", lab.Fault{CutResponse: 20}},
	"response reset":              {"echo", lab.Fault{CutResponse: -2, Reset: true}},
	"response duplicated":         {"fiber", lab.Fault{DuplicateResponse: true}},
	"duplicated at the same time": {"fiberv3", lab.Fault{Duplicates: 1}},
	"replayed":                    {"echov5", lab.Fault{ReplayAfter: time.Second}},
}

// A step whose result the server has stored, or gets with the response instead, does not
// run again, whatever the network does to the checkpoint.
func TestCheckpointsThroughABadNetwork(t *testing.T) {
	t.Parallel()
	for name, test := range apiFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withAdapters(t, test.short, func(t *testing.T, framework string) {
				l := lab.New(t, lab.Config{Framework: framework})
				injected := firstOf(l, func(e *lab.Exchange) string {
					path := e.Request.URL.Path
					if !strings.HasPrefix(path, checkpointPath) {
						return ""
					}
					return path
				}, test.fault)
				l.Send(app.Checkpoints, inFlight)
				require.Zero(t, l.Holds().Repeated)
				require.GreaterOrEqual(t, injected(), inFlight, "faults")
				l.API.AwaitRepeats()
				require.Zero(t, l.Holds().Repeated)
			})
		})
	}
}

// Whatever the network does to the first attempt to send an event, it starts one run.
func TestSendsThroughABadNetwork(t *testing.T) {
	t.Parallel()
	for name, test := range apiFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, lab.Config{Framework: test.short})
			injected := firstOf(l, func(e *lab.Exchange) string { return e.Request.Header.Get(seedHeader) }, test.fault)
			sender, event := newSender(t, l), inngestkit.DefineEvent[app.Data](app.Once)
			sent := map[string]bool{}
			for _, n := range []int{1, 1, 1, 10} {
				events := make([]inngestkit.AnyEvent, n)
				for i := range events {
					events[i] = event.New(app.Data{Item: "x"})
				}
				ids, err := sender.Send(t.Context(), events...)
				require.NoError(t, err)
				require.Len(t, ids, n)
				for _, id := range ids {
					sent[id] = true
					l.Ledger.Add(lab.Entry{Kind: lab.Sent, Function: app.Once, Event: id, Item: "x"})
				}
			}
			require.Len(t, sent, 13)
			require.Equal(t, 4, injected(), "faults")
			l.API.AwaitRepeats()
			v := l.Holds()
			require.Zero(t, v.Repeated)
			require.Equal(t, 13, v.Started, "a run of an event that nobody knows")
		})
	}
}

// firstOf injects a fault into the first request of each kind that the app makes to the
// server; "" is not a kind. It returns a function that counts the faults.
func firstOf(l *lab.Lab, kind func(*lab.Exchange) string, fault lab.Fault) (injected func() int) {
	var mu sync.Mutex
	seen := map[string]bool{}
	l.API.Inject(func(e *lab.Exchange) lab.Fault {
		mu.Lock()
		defer mu.Unlock()
		k := kind(e)
		if k == "" || seen[k] {
			return lab.Fault{}
		}
		seen[k] = true
		return fault
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(seen)
	}
}

// everyRequest rewrites the requests of the app to the server for which choose returns how.
// It returns a function that counts them.
func everyRequest(l *lab.Lab, choose func(*lab.Exchange) func(*lab.Exchange)) (rewritten func() int) {
	var n atomic.Int64
	l.API.Inject(func(e *lab.Exchange) lab.Fault {
		rewrite := choose(e)
		if rewrite != nil {
			n.Add(1)
		}
		return lab.Fault{Rewrite: rewrite}
	})
	return func() int { return int(n.Load()) }
}

// newSender returns an app that sends events through the proxy.
func newSender(t *testing.T, l *lab.Lab) *inngestkit.App {
	t.Helper()
	sender, err := inngestkit.New(inngestkit.Config{AppID: "sender", Dev: true, BaseURL: "http://" + l.API.Addr()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sender.Shutdown(context.WithoutCancel(t.Context()))) })
	return sender
}
