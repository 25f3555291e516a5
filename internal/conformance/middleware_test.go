package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// journal is what middleware has seen of a run, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) addf(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

// of returns the lines with a part, in order.
func (j *journal) of(part string) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []string
	for _, line := range j.lines {
		if strings.Contains(line, part) {
			found = append(found, line)
		}
	}
	return found
}

// middleware writes down all that it wraps, under a name.
func (j *journal) middleware(name string) inngestkit.Middleware {
	return inngestkit.Middleware{
		Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
			return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
				output, err := next(ctx, call)
				switch {
				case errors.Is(err, inngestkit.ErrYielded):
					j.addf("yielded: %s", name)
				case err != nil:
					j.addf("failed: %s", name)
				default:
					j.addf("finished: %s", name)
				}
				return output, err
			}
		},
		Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
			return func(ctx context.Context, s *inngestkit.StepCall) (any, error) {
				j.addf("step %s begins: %s", s.ID, name)
				output, err := next(ctx, s)
				j.addf("step %s ends (%v): %s", s.ID, err, name)
				return output, err
			}
		},
		Send: func(next inngestkit.SendHandler) inngestkit.SendHandler {
			return func(ctx context.Context, events []inngestkit.RawEvent) ([]string, error) {
				j.addf("sends %s: %s", events[0].Name, name)
				return next(ctx, events)
			}
		},
	}
}

// A run of four steps, one of which fails once, is six calls or more. Whatever
// their number, each layer sees each step once for each try, in order, and the end
// of the run once.
func TestMiddlewareOnTheRealServer(t *testing.T) {
	t.Parallel()
	server := testsite.NewServer(t)
	var (
		j    journal
		flop = errors.New("flop")
		c    counter
	)
	ordered := inngestkit.DefineEvent[map[string]any]("ordered")
	fn := inngestkit.OnEvent("order", ordered, func(ctx context.Context, _ inngestkit.Input[map[string]any]) (string, error) {
		if _, err := c.Counted(ctx, "reserve"); err != nil {
			return "", err
		}
		_, err := step.Run(ctx, "charge", func(context.Context) (string, error) {
			if c.Add("charge") == 1 {
				return "", flop
			}
			return "charged", nil
		})
		if err != nil {
			return "", err
		}
		step.Sleep(ctx, "nap", time.Second)
		if _, err := step.SendEvent(ctx, "tell", inngestkit.DefineEvent[map[string]any]("told").New(nil)); err != nil {
			return "", err
		}
		return c.Counted(ctx, "ship")
	}, inngestkit.Use(j.middleware("own")), flow.Retries(2))

	with := adapters[0]
	with.serve = func(app *inngestkit.App) testsite.Server {
		app.Use(j.middleware("app"))
		return adapters[0].serve(app)
	}
	s := &site{serve(t, server, with, "shop", "",
		inngestkit.NewGroup(inngestkit.Use(j.middleware("group"))).Functions(fn)...), server}
	s.completed(t, ordered.New(nil))

	require.Equal(t, []string{"finished: own", "finished: group", "finished: app"}, j.of("finished"))
	require.Empty(t, j.of("failed"))
	for _, id := range []string{"reserve", "tell", "ship"} {
		require.Equal(t, once(id, "<nil>"), j.of("step "+id))
	}
	require.Equal(t, append(once("charge", "flop"), once("charge", "<nil>")...), j.of("step charge"))
	require.Equal(t, []string{"sends ordered: app"}, j.of("sends ordered"), "from outside, only the app's middleware sees it")
	require.Equal(t, []string{"sends told: app", "sends told: group", "sends told: own"}, j.of("sends told"))
	for _, name := range []string{"app", "group", "own"} {
		require.GreaterOrEqual(t, len(j.of("yielded: "+name)), 6, "five steps and a failed try end their calls")
		require.Len(t, j.of("yielded: "+name), len(j.of("yielded: app")), "each layer sees each call")
	}
}

// once is what three layers see of a step that runs once.
func once(id, err string) []string {
	var lines []string
	for _, name := range []string{"app", "group", "own"} {
		lines = append(lines, fmt.Sprintf("step %s begins: %s", id, name))
	}
	for _, name := range []string{"own", "group", "app"} {
		lines = append(lines, fmt.Sprintf("step %s ends (%s): %s", id, err, name))
	}
	return lines
}
