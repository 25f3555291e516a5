package benchmarks

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

type kitData struct {
	Steps int `json:"steps"`
}

var kitStarted = inngestkit.DefineEvent[kitData]("kit.started")

// ofSteps runs as many steps as the event says, and returns their sum.
func ofSteps(options ...inngestkit.Option) inngestkit.TypedFunction[kitData, int] {
	return inngestkit.OnEvent("of-steps", kitStarted,
		func(ctx context.Context, in inngestkit.Input[kitData]) (sum int, err error) {
			for i := range in.Event.Data.Steps {
				n, err := step.Run(ctx, fmt.Sprintf("step-%d", i), func(context.Context) (int, error) { return i, nil })
				if err != nil {
					return 0, err
				}
				sum += n
			}
			return sum, nil
		}, options...)
}

// BenchmarkTestKit measures runs on the virtual engine: all calls of a run, without making the
// engine.
func BenchmarkTestKit(b *testing.B) {
	for _, tc := range []struct {
		name    string
		steps   int
		options []inngestkit.Option
		engine  []inngesttest.Option
	}{
		{"5 steps", 5, nil, nil},
		{"5 steps without the check", 5, nil, []inngesttest.Option{inngesttest.Nondeterministic(ofSteps(), "measured without")}},
		{"5 steps with checkpoints", 5, []inngestkit.Option{flow.Checkpoint()}, nil},
		{"100 steps", 100, nil, nil},
		{"999 steps", 999, nil, nil},
		{"999 steps with checkpoints", 999, []inngestkit.Option{flow.Checkpoint()}, nil},
	} {
		b.Run(tc.name, func(b *testing.B) {
			e := inngesttest.Virtual(b, tc.engine...)
			f := ofSteps(tc.options...)
			e.Register(f)
			for b.Loop() {
				run := inngesttest.Start(e, f, kitData{tc.steps}).Wait()
				require.Equal(b, tc.steps*(tc.steps-1)/2, run.Output())
			}
		})
	}
}

// BenchmarkTestKitTest measures a whole test of a function with five steps, with an engine and
// an app of its own.
func BenchmarkTestKitTest(b *testing.B) {
	f := ofSteps()
	for b.Loop() {
		require.Equal(b, 10, inngesttest.Run(b, f, kitData{5}).Output())
	}
}

// BenchmarkTestKitReal is BenchmarkTestKit's run of five steps on the real server.
func BenchmarkTestKitReal(b *testing.B) {
	e := inngesttest.Real(b)
	f := ofSteps()
	e.Register(f)
	for b.Loop() {
		require.Equal(b, 10, inngesttest.Start(e, f, kitData{5}).Wait().Output())
	}
}

// A package of 200 tests, each with an engine of its own. -v shows how long they take.
func TestTestKit200(t *testing.T) {
	t.Parallel()
	f := ofSteps()
	for range 200 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			require.Equal(t, 10, inngesttest.Run(t, f, kitData{5}).Output())
		})
	}
}

var kitRuns = flag.Int("kit.runs", 2_400, "how many runs TestTestKitMemory makes, more than the 1,000 that an engine keeps")

// An engine does not keep what runs have left that ended long ago.
func TestTestKitMemory(t *testing.T) {
	t.Parallel()
	e := inngesttest.Virtual(t)
	f := ofSteps()
	e.Register(f)
	runs := func(n int) {
		for range n {
			require.Equal(t, 10, inngesttest.Start(e, f, kitData{5}).Wait().Output())
			e.Advance(time.Minute)
		}
	}
	runs(*kitRuns / 2)
	before := heap()
	runs(*kitRuns / 2)
	grown := heap() - before
	t.Logf("%d runs: the heap is %d KiB, and grew by %d KiB over the second half", *kitRuns, heap()>>10, grown>>10)
	require.Less(t, grown, int64(8<<20))
}
