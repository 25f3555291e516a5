package conformance

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// counter counts how often the parts of a function run.
type counter = testsite.Counter

// A scenario is a set of functions and a check that must pass on the real server with every
// adapter. Each scenario has its own counters.
type scenario struct {
	name      string
	functions func(c *counter) []inngestkit.Function
	check     func(t *testing.T, s *site, c *counter)
}

// A site is an app that serves all scenarios, and the server it is synced with.
type site struct {
	*instance

	server *devserver.Server
}

func TestRealServer(t *testing.T) {
	t.Parallel()
	eachAdapter(t, func(t *testing.T, with adapter) {
		server := testsite.NewServer(t)
		all := slices.Concat(scenarios, stepScenarios, parallelScenarios, requestScenarios, failureScenarios,
			checkpointScenarios, minuteScenarios)
		counters := make([]counter, len(all))
		var functions []inngestkit.Function
		for i, sc := range all {
			functions = append(functions, sc.functions(&counters[i])...)
		}
		s := &site{serve(t, server, with, "shop", "", functions...), server}
		for i, sc := range all {
			t.Run(sc.name, func(t *testing.T) {
				t.Parallel()
				sc.check(t, s, &counters[i])
			})
		}
	})
}

// send sends one event and returns its ID.
func (s *site) send(t *testing.T, event inngestkit.AnyEvent) string {
	t.Helper()
	return testsite.Send(t, s.app, event)
}

// run sends an event and waits for the end of the only run that it triggers.
func (s *site) run(t *testing.T, event inngestkit.AnyEvent) devserver.Run {
	t.Helper()
	return s.ended(t, s.send(t, event))
}

// completed sends an event and waits until the only run that it triggers has completed.
func (s *site) completed(t *testing.T, event inngestkit.AnyEvent) devserver.Run {
	t.Helper()
	run := s.run(t, event)
	require.Equal(t, devserver.RunCompleted, run.Status, "%s", run.Output)
	return run
}

// ended waits for the end of the only run that an event triggers.
func (s *site) ended(t *testing.T, eventID string) devserver.Run {
	t.Helper()
	return testsite.Ended(t, s.server, eventID, longTimeout)
}

// signal sends a signal and returns the ID of the run that it resumes.
func (s *site) signal(t *testing.T, name string, data any) (runID string) {
	t.Helper()
	var answer struct {
		Data struct {
			RunID string `json:"run_id"`
		} `json:"data"`
	}
	in := map[string]any{"signal": name, "data": data}
	require.NoError(t, s.server.Do(testsite.Within(t), http.MethodPost, "/v1/signals", in, &answer))
	return answer.Data.RunID
}

// userEvent defines the event of a scenario.
func userEvent(name string) inngestkit.EventType[user] { return inngestkit.DefineEvent[user](name) }

// onUser defines a function on a user event.
func onUser[R any](
	id, event string, handler func(context.Context, input) (R, error), options ...inngestkit.Option,
) inngestkit.TypedFunction[user, R] {
	return inngestkit.OnEvent(id, userEvent(event), handler, options...)
}
