package call_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"

	"github.com/inngest/inngestgo/group"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

// A script is a function made of steps.
type script []scripted

// A scripted step is one step, or two parallel ones.
type scripted struct {
	name   string
	own    bool // not a step of the SDK
	beside string
}

func (s scripted) String() string {
	return fmt.Sprintf("%+v", struct {
		N, B string
		O    bool
	}{s.name, s.beside, s.own})
}

// run runs the script, and notes what each step returns.
func (s script) run(notes *[]string) handler {
	step := func(ctx context.Context, name string, own bool) error {
		body := func(context.Context) (string, error) {
			*notes = append(*notes, "ran "+name)
			return "new " + name, nil
		}
		run := call.Run[string]
		if !own {
			run = sdkstep.Run[string]
		}
		value, err := run(ctx, name, body)
		*notes = append(*notes, fmt.Sprint(name, ": ", value, ", ", err))
		return nil
	}
	return func(ctx context.Context) (any, error) {
		for _, next := range s {
			if next.beside == "" {
				_ = step(ctx, next.name, next.own)
				continue
			}
			first := func(ctx context.Context) error { return step(ctx, next.name, next.own) }
			second := func(ctx context.Context) error { return step(ctx, next.beside, next.own) }
			if next.own {
				_ = call.Parallel(ctx, branches{first, second})
				continue
			}
			group.Parallel(ctx,
				func(ctx context.Context) (any, error) { return nil, first(ctx) },
				func(ctx context.Context) (any, error) { return nil, second(ctx) })
		}
		return "end", nil
	}
}

// names returns the steps of the script as the server names them, in order.
func (s script) names() (names []string) {
	counts := map[string]int{}
	for _, next := range s {
		for _, name := range []string{next.name, next.beside} {
			if name == "" {
				continue
			}
			counted := name
			if n := counts[name]; n > 0 {
				counted = fmt.Sprintf("%s:%d", name, n)
			}
			counts[name]++
			names = append(names, counted)
		}
	}
	return names
}

// However steps are mixed with steps of the SDK, a call ends as if the SDK had been given the
// whole envelope.
func TestSDKIsTold(t *testing.T) {
	t.Parallel()
	for seed := range uint64(400) {
		random := rand.New(rand.NewPCG(seed, 19))
		s := make(script, 1+random.IntN(6))
		for i := range s {
			s[i] = scripted{name: string(rune('a' + random.IntN(3))), own: random.IntN(3) > 0}
			if random.IntN(5) == 0 {
				s[i].beside = string(rune('d' + random.IntN(2)))
			}
		}
		names := s.names()
		g := given{Steps: map[string]any{}, Several: random.IntN(4) == 0, PlanFirst: random.IntN(4) == 0}
		for i, name := range names[:random.IntN(len(names)+1)] {
			g.Steps[name] = "kept " + name
			if random.IntN(4) == 0 {
				g.Steps[name] = failure{Name: "E", Message: "failed", Data: i}
			}
		}
		if random.IntN(4) == 0 {
			g.Target = names[random.IntN(len(names))]
			delete(g.Steps, g.Target)
		}
		ends := map[bool][]string{}
		for _, g.Whole = range []bool{true, false} {
			var notes []string
			end := serve(t, g, s.run(&notes))
			ends[g.Whole] = append(notes, strconv.Itoa(end.Status), withoutTiming(t, end.Body))
		}
		require.Equal(t, ends[true], ends[false], "seed %d: %v, memoized %v, target %q", seed, s, g.Steps, g.Target)
	}
}

// The SDK's package realtime asks the manager for the stack of the call, and whether the function
// has received the last result on it.
func TestSDKKnowsWhatWasClaimed(t *testing.T) {
	t.Parallel()
	var received bool
	var request string
	serve(t, given{Steps: map[string]any{"a": "kept"}}, func(ctx context.Context) (any, error) {
		_, err := run(ctx, new([]string), "a")
		for _, key := range call.ManagerKeys {
			if manager, ok := ctx.Value(key).(interface{ ReplayedStep(key string) bool }); ok {
				received = manager.ReplayedStep(call.ID{Name: "a"}.Key())
				request = fmt.Sprintf("%+v", reflect.ValueOf(manager).MethodByName("Request").Call(nil)[0])
			}
		}
		return nil, err
	})
	require.True(t, received)
	require.Contains(t, request, "Stack:{Current:1 Stack:["+call.ID{Name: "a"}.Key()+"]}")
}

// A call on a version of the SDK that keeps its state elsewhere fails, because the SDK would run
// memoized steps again.
func TestUnknownSDK(t *testing.T) {
	t.Parallel()
	c := &call.Call{Caller: t.Context()}
	_, _, err := c.Begin(t.Context())
	require.ErrorContains(t, err, "inngestkit does not know this version of inngestgo")
}

// withoutTiming returns a response without the times at which steps ran.
func withoutTiming(t *testing.T, body string) string {
	t.Helper()
	var ops []map[string]json.RawMessage
	if json.Unmarshal([]byte(body), &ops) != nil {
		return body
	}
	for _, op := range ops {
		delete(op, "timing")
	}
	text, err := json.Marshal(ops)
	require.NoError(t, err)
	return string(text)
}
