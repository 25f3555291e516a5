package conformance

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// hyphened has a field whose name is not an identifier.
type hyphened struct {
	UserID string `json:"user-id"`
}

type invoice struct {
	ID     string `json:"id"`
	Number int    `json:"number"`
}

var (
	matchBegin  = inngestkit.DefineEvent[user]("match/begin", inngestkit.AdditionalProperties())
	matchEnd    = inngestkit.DefineEvent[user]("match/end", inngestkit.AdditionalProperties())
	hyphenBegin = inngestkit.DefineEvent[hyphened]("hyphen/begin")
	hyphenEnd   = inngestkit.DefineEvent[hyphened]("hyphen/end")
	uncounted   = inngestkit.DefineEvent[user]("uncounted", inngestkit.AdditionalProperties())
	invoicePaid = inngestkit.DefineEvent[invoice]("types/invoice-paid")
	userPaid    = inngestkit.DefineEvent[user]("types/user-paid")
)

// waitsFor returns a function that starts on one event and waits for another.
func waitsFor[T any](
	id string, begin, end inngestkit.EventType[T], options ...step.WaitOption,
) inngestkit.Function {
	return inngestkit.OnEvent(id, begin, func(ctx context.Context, _ inngestkit.Input[T]) (T, error) {
		e, err := step.WaitForEvent(ctx, "wait", end, append(options, step.Timeout(time.Hour))...)
		return e.Data, err
	})
}

// waiting sends an event and waits until its run waits.
func (s *site) waiting(t *testing.T, event inngestkit.AnyEvent) (eventID string) {
	t.Helper()
	id := s.send(t, event)
	s.scheduled(t, id)
	s.letPass(t)
	return id
}

// expressionScenarios show how the server evaluates expressions: why core refuses paths that
// events do not have. The events here may have more fields than their type declares.
var expressionScenarios = []scenario{
	{
		name: "a wait for a path that no event has ends with any event",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{waitsFor("match-missing", matchBegin, matchEnd, step.Match("data.missing"))}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			first := s.waiting(t, matchBegin.New(user{ID: "1"}))
			second := s.waiting(t, matchBegin.New(user{ID: "2"}))
			s.send(t, matchEnd.New(user{ID: "3"}))
			for _, id := range []string{first, second} {
				require.Equal(t, devserver.RunCompleted, s.ended(t, id).Status)
			}
		},
	},
	{
		name: "a path that no event has cancels every run",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("cancel-missing", userEvent("cancel/missing"), sleeps(c),
				flow.CancelOn(flow.EventNamed("cancel/any"), flow.If("event.data.id == 'x' || event.user.missing == async.data.missing")))}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			first := s.sleeping(t, userEvent("cancel/missing").New(user{ID: "1"}))
			second := s.sleeping(t, userEvent("cancel/missing").New(user{ID: "2"}))
			s.send(t, userEvent("cancel/any").New(user{ID: "3"}))
			for _, id := range []string{first, second} {
				require.Equal(t, devserver.RunCancelled, s.ended(t, id).Status)
			}
		},
	},
	{
		name: "a limit by a path that no event has lets all events through",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("uncounted", uncounted,
				func(context.Context, input) (any, error) { return nil, nil },
				flow.RateLimit(1, time.Hour, flow.Key("event.data.missing")))}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			for _, run := range s.allEnded(t, s.sendAll(t, uncounted, user{ID: "1"}, user{ID: "1"}, user{ID: "1"})...) {
				require.Equal(t, devserver.RunCompleted, run.Status)
			}
		},
	},
	{
		name: "a match on a name in brackets",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{waitsFor("hyphen", hyphenBegin, hyphenEnd, step.Match(`data["user-id"]`))}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			id := s.waiting(t, hyphenBegin.New(hyphened{UserID: "1"}))
			s.send(t, hyphenEnd.New(hyphened{UserID: "2"}))
			s.letPass(t)
			require.Equal(t, devserver.RunRunning, s.status(t, id))
			s.send(t, hyphenEnd.New(hyphened{UserID: "1"}))
			require.Equal(t, devserver.RunCompleted, s.ended(t, id).Status)
		},
	},
	{
		name: "a match of values with a quote, a backslash or an invisible character never holds",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{
				waitsFor("quoted", userEvent("quoted/begin"), userEvent("quoted/end"), step.Match("data.id")),
			}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			begin, end := userEvent("quoted/begin"), userEvent("quoted/end")
			odd := []user{{ID: `a "quoted" ID`}, {ID: `a\b`}, {ID: "a\u200bb"}}
			waiting := s.sendAll(t, begin, odd...)
			plain := s.waiting(t, begin.New(user{ID: "a 'plain' ID"}))
			s.sendAll(t, end, odd...)
			s.send(t, end.New(user{ID: "a 'plain' ID"}))
			require.Equal(t, devserver.RunCompleted, s.ended(t, plain).Status)
			s.letPass(t)
			for i, id := range waiting {
				require.Equal(t, devserver.RunRunning, s.status(t, id), odd[i])
			}
		},
	},
	{
		name: "events of several types start one function",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("types", inngestkit.AnyOfTypes(invoicePaid, userPaid.If("event.data.plan == 'pro'")),
				func(_ context.Context, in inngestkit.Input[any]) (string, error) {
					switch data := in.Event.Data.(type) {
					case invoice:
						return data.ID, nil
					case user:
						return data.ID + " has " + data.Plan, nil
					default:
						return "", fmt.Errorf("%s has a %T", in.Event.Name, data)
					}
				}, flow.Concurrency(1, flow.Key("event.data.id")))}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			require.JSONEq(t, `"i1"`, string(s.run(t, invoicePaid.New(invoice{ID: "i1", Number: 7})).Output))
			require.JSONEq(t, `"u1 has pro"`, string(s.run(t, userPaid.New(user{ID: "u1", Plan: "pro"})).Output))
			free := s.send(t, userPaid.New(user{ID: "u2", Plan: "free"}))
			s.letPass(t)
			s.noRuns(t, free)
		},
	},
}

// How the server evaluates expressions does not depend on the adapter.
func TestExpressions(t *testing.T) {
	t.Parallel()
	server := testsite.NewServer(t)
	functions := []inngestkit.Function{inngestkit.OnEvent("while", aWhile, func(ctx context.Context, _ input) (any, error) {
		step.Sleep(ctx, "pass", 2*time.Second)
		return nil, nil
	})}
	counters := make([]counter, len(expressionScenarios))
	for i, sc := range expressionScenarios {
		functions = append(functions, sc.functions(&counters[i])...)
	}
	s := &site{serve(t, server, adapters[0], "expressions", "", functions...), server}
	for i, sc := range expressionScenarios {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			sc.check(t, s, &counters[i])
		})
	}
}
