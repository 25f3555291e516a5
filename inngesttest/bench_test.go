package inngesttest_test

import (
	"context"
	"strconv"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

func steps(n int) inngestkit.TypedFunction[order, int] {
	return inngestkit.OnEvent("steps", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (int, error) {
		total := 0
		for i := range n {
			value, err := step.Run(ctx, "step-"+strconv.Itoa(i), func(context.Context) (int, error) { return i, nil })
			if err != nil {
				return 0, err
			}
			total += value
		}
		return total, nil
	})
}

// BenchmarkRun is a run of five steps with an engine of its own, as a test has it.
func BenchmarkRun(b *testing.B) {
	f := steps(5)
	for b.Loop() {
		b.StopTimer()
		e := inngesttest.Virtual(b)
		e.Register(f)
		b.StartTimer()
		if inngesttest.Start(e, f, order{ID: "o1"}).Wait().Output() != 10 {
			b.Fatal("wrong output")
		}
	}
}

// BenchmarkRuns are runs of five steps on one engine.
func BenchmarkRuns(b *testing.B) {
	f := steps(5)
	e := inngesttest.Virtual(b)
	e.Register(f)
	for b.Loop() {
		if inngesttest.Start(e, f, order{ID: "o1"}).Wait().Output() != 10 {
			b.Fatal("wrong output")
		}
	}
}

// BenchmarkThousandSteps is a run with as many steps as the server allows, 999 and its end.
func BenchmarkThousandSteps(b *testing.B) {
	f := steps(999)
	for b.Loop() {
		inngesttest.Run(b, f, order{ID: "o1"})
	}
}
