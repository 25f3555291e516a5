package faults_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// An end is how a server ends.
type end func(*devserver.Server) error

// A serverCase is what happens around the end of a server.
type serverCase func(t *testing.T, version string, end end)

// TestServerEnds ends servers and starts them again. The cases with PostgreSQL and Redis need
// programs that a fresh machine lacks, so they are cases of the long form.
func TestServerEnds(t *testing.T) {
	t.Parallel()
	cases := map[string]serverCase{
		"memory": keeps(func(testing.TB) lab.Backend { return lab.Memory() }, 0),
		"sqlite": keeps(lab.SQLite, inFlight),
	}
	versions, ends := []string{""}, map[string]end{"killed": (*devserver.Server).Kill}
	if *longForm {
		versions = []string{devserver.OldestVersion, devserver.NewestVersion}
		ends["stopped"] = (*devserver.Server).Stop // takes 30 s with v1.12.1
		maps.Copy(cases, databaseCases)
		for name, run := range map[string]func(*testing.T, string){"postgres": postgresEnds, "redis": redisEnds} {
			for _, version := range versions {
				t.Run(name+" "+version, func(t *testing.T) {
					t.Parallel()
					run(t, version)
				})
			}
		}
	}
	for name, run := range cases {
		for _, version := range versions {
			for how, end := range ends {
				t.Run(name+" "+version+" "+how, func(t *testing.T) {
					t.Parallel()
					run(t, version, end)
				})
			}
		}
	}
}

// keeps shows what is left after the end of a server without databases. SQLite keeps apps,
// functions and the runs that have ended; what a server has in memory is lost, and the app
// registers again by itself. In both cases new runs work.
func keeps(backend func(testing.TB) lab.Backend, runs int) serverCase {
	return func(t *testing.T, version string, end end) {
		t.Helper()
		l := lab.New(t, lab.Config{Framework: "echo", Version: version, Backend: backend(t)})
		l.Send(app.Steps, inFlight)
		require.Zero(t, l.Holds().Repeated)
		l.EndServer(end)
		l.StartServer()
		l.AwaitFunctions()
		l.Send(app.Branches, inFlight)
		v := l.Judge()
		t.Log(v)
		require.Empty(t, v.Broken)
		require.Equal(t, inFlight-runs, v.Lost)
		require.Equal(t, inFlight+runs, v.Completed)
		require.Zero(t, v.Repeated)
	}
}

// sleepers is how many runs sleep or wait in a case.
const sleepers = 10

// databaseCases are those with PostgreSQL and Redis, where runs survive.
var databaseCases = map[string]serverCase{
	"sent again": sentAgain,
	"in steps": func(t *testing.T, version string, end end) {
		l := withDatabases(t, version)
		inSteps(t, l)()
		l.Ledger.Await(t, lab.Finished, "two", 5)
		l.EndServer(end)
		l.StartServer()
		l.Holds()
	},
	"asleep": func(t *testing.T, version string, end end) {
		l := withDatabases(t, version)
		l.SendData(app.Naps, sleepers, app.Data{Nap: 3000})
		l.Ledger.Await(t, lab.Memoized, "before", sleepers)
		l.EndServer(end)
		l.StartServer()
		require.Zero(t, l.Ledger.Count(lab.Started, "after"))
		require.Zero(t, l.Holds().Repeated)
	},
	"waiting": func(t *testing.T, version string, end end) {
		l := withDatabases(t, version)
		l.Send(app.Answers, sleepers)
		l.Ledger.Await(t, lab.Memoized, "before", sleepers)
		l.EndServer(end)
		l.StartServer()
		answerAll(t, l, sleepers)
		require.Zero(t, l.Holds().Repeated)
	},
	"while sending": func(t *testing.T, version string, end end) {
		l := withDatabases(t, version)
		stop := keepSending(t, l)
		l.Ledger.Await(t, lab.Finished, "once", 20)
		l.EndServer(end)
		l.StartServer()
		l.Ledger.Await(t, lab.Finished, "once", l.Ledger.Count(lab.Finished, "once")+20)
		stop()
		v := l.Judge()
		t.Log(v)
		require.Empty(t, v.Broken)
		require.Equal(t, v.Events, v.Completed+v.Lost+v.Unreported)
	},
}

// While PostgreSQL is down, runs go on, and events wait. Runs that end meanwhile are reported
// as running for ever: v1.43.0 does not try again to record their end.
func postgresEnds(t *testing.T, version string) {
	t.Helper()
	backend := lab.PostgresRedis(t)
	l := lab.New(t, lab.Config{Framework: "gin", Version: version, Backend: backend})
	release := inSteps(t, l)
	restart := l.EndDatabase(backend.Postgres)
	release()
	l.Send(app.Once, sleepers)
	time.Sleep(3 * time.Second) // how long PostgreSQL is down
	restart()
	v := l.Judge()
	t.Log(v)
	require.Empty(t, v.Broken)
	require.Zero(t, v.Repeated)
	require.Equal(t, v.Events, v.Completed+v.Unreported)
}

// A server that cannot read its queue stops by itself, and ends at the latest when Redis is
// back. Started again, it continues the runs.
func redisEnds(t *testing.T, version string) {
	t.Helper()
	backend := lab.PostgresRedis(t)
	l := lab.New(t, lab.Config{Framework: "gin", Version: version, Backend: backend})
	release := inSteps(t, l)
	restart := l.EndDatabase(backend.Redis)
	release()
	testsite.Eventually(t, 50*time.Millisecond, func() bool {
		return strings.Contains(l.Server.Logs(), "error scanning partition")
	})
	restart()
	select {
	case <-l.Server.Done():
	case <-testsite.Within(t).Done():
		require.Fail(t, "the server has not ended", l.Server.Logs())
	}
	l.EndServer((*devserver.Server).Kill) // records it
	l.StartServer()
	l.Holds()
}

func withDatabases(t *testing.T, version string) *lab.Lab {
	t.Helper()
	return lab.New(t, lab.Config{Framework: "fiber", Version: version, Backend: lab.PostgresRedis(t)})
}

// inSteps starts 30 runs, and returns when all of them are in a step, in which they stay until
// the function that it returns is called.
func inSteps(t *testing.T, l *lab.Lab) (release func()) {
	t.Helper()
	const each = 10
	steps, branches := l.Ledger.Hold("two", false, 2*each), l.Ledger.Hold("middle", false, each)
	for _, function := range []string{app.Steps, app.Branches, app.Checkpoints} {
		l.Send(function, each)
	}
	l.Ledger.Await(t, lab.Started, "two", 2*each)
	l.Ledger.Await(t, lab.Started, "middle", each)
	return func() {
		steps()
		branches()
	}
}

// keepSending sends events through the API and through an app, one after the other, and
// records those that the server accepts, until the function that it returns is called.
func keepSending(t *testing.T, l *lab.Lab) (stop func()) {
	t.Helper()
	const pause = 20 * time.Millisecond // the server also has to run the functions
	server, sender, event := l.Server, newKeyedSender(t, l), inngestkit.DefineEvent[app.Data](app.Once)
	ctx, cancel := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	for name, send := range map[string]func(app.Data) (id string, err error){
		"api": func(data app.Data) (string, error) { return server.Send(ctx, app.Once, data) },
		"app": func(data app.Data) (string, error) {
			ids, err := sender.Send(ctx, event.New(data))
			if err != nil {
				return "", err
			}
			return ids[0], nil
		},
	} {
		sending.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				item := fmt.Sprintf("%s-%d", name, i)
				if id, err := send(app.Data{Item: item}); err == nil {
					l.Ledger.Add(lab.Entry{Kind: lab.Sent, Function: app.Once, Event: id, Item: item})
				}
				select {
				case <-ctx.Done():
				case <-time.After(pause):
				}
			}
		})
	}
	return func() {
		cancel()
		sending.Wait()
	}
}

// newKeyedSender returns an app that sends events to a self-hosted server through the proxy.
func newKeyedSender(t *testing.T, l *lab.Lab) *inngestkit.App {
	t.Helper()
	sender, err := inngestkit.New(inngestkit.Config{
		AppID: "sender", SigningKey: lab.SigningKey, EventKey: lab.EventKey, BaseURL: "http://" + l.API.Addr(),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sender.Shutdown(context.WithoutCancel(t.Context()))) })
	return sender
}

// sentAgain sends events with IDs of their own before and after the end of the server. There are
// as many runs as events, whether the server had lost the first ones or not. Its API may not list
// a run that v1.12.1 was about to start when it was killed.
func sentAgain(t *testing.T, version string, end end) {
	const n = 200
	l := withDatabases(t, version)
	sender := newKeyedSender(t, l)
	events := make([]inngestkit.AnyEvent, n)
	for i := range events {
		e := inngestkit.DefineEvent[app.Data](app.Once).New(app.Data{Item: strconv.Itoa(i)})
		e.ID = new(fmt.Sprintf("%s-%d", rand.Text(), i))
		events[i] = e
	}
	first, err := sender.Send(t.Context(), events...)
	require.NoError(t, err)
	l.Ledger.Await(t, lab.Started, "once", 5)
	l.EndServer(end)
	l.StartServer()
	again, err := sender.Send(t.Context(), events...)
	require.NoError(t, err)
	testsite.Eventually(t, 50*time.Millisecond, func() bool { return len(runsWith(l, lab.Memoized)) >= n })
	lost, unlisted := 0, 0
	for i := range events {
		before, err := l.Server.Runs(t.Context(), first[i])
		require.NoError(t, err)
		after, err := l.Server.Runs(t.Context(), again[i])
		require.NoError(t, err)
		require.LessOrEqual(t, len(before)+len(after), 1, "runs of event %d", i)
		lost += len(after)
		unlisted += 1 - len(before) - len(after)
	}
	t.Logf("%d of %d events lost, none after they were sent again; %d runs not listed", lost, n, unlisted)
	require.LessOrEqual(t, unlisted, 2)
	require.Len(t, runsWith(l, lab.Memoized), n)
}

// runsWith returns the runs that have an entry of a kind.
func runsWith(l *lab.Lab, kind lab.Kind) map[string]bool {
	runs := map[string]bool{}
	for _, e := range l.Ledger.Entries() {
		if e.Kind == kind {
			runs[e.Run] = true
		}
	}
	return runs
}
