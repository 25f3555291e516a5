package engine

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// newBench returns an engine and a function of core with so many steps.
func newBench(b *testing.B, steps int) (*Engine, *Function) {
	b.Helper()
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	err = app.Register(onOrder(func(ctx context.Context, _ inngestkit.Input[order]) (int, error) {
		total := 0
		for i := range steps {
			n, err := step.Run(ctx, fmt.Sprintf("step-%d", i), value(i))
			if err != nil {
				return 0, err
			}
			total += n
		}
		return total, nil
	}))
	if err != nil {
		b.Fatal(err)
	}
	fn := newFunction(app.Do, 3)
	return New(Config{Start: start, Version: version.Newest}), fn
}

func (e *Engine) runOnce(b *testing.B, fn *Function) *Run {
	b.Helper()
	id := e.ulid(e.clock.now())
	encoded := fmt.Appendf(nil, `{"data":{"id":"o1"},"id":%q,"name":"shop/test","ts":1772355600000,"user":{}}`, id)
	run := &Run{ID: e.ulid(e.clock.now()), Function: fn, Status: Queued, Events: []*Event{{InternalID: id, ID: id, Encoded: encoded}}}
	e.start(run, e.clock.now())
	e.Settle(b.Context())
	if run.Status != Completed {
		b.Fatal(run.Status, string(run.Output))
	}
	return run
}

func BenchmarkRun5Steps(b *testing.B) {
	e, fn := newBench(b, 5)
	b.ReportAllocs()
	for b.Loop() {
		e.runOnce(b, fn)
	}
}

func BenchmarkRun999Steps(b *testing.B) {
	e, fn := newBench(b, 999)
	b.ReportAllocs()
	for b.Loop() {
		e.runOnce(b, fn)
	}
}

// An app that does nothing shows what the engine itself costs.
func BenchmarkEngine5Steps(b *testing.B) {
	e := New(Config{Start: start, Version: version.Newest})
	n := 0
	fn := newFunction(func(_ context.Context, _ *adapter.Request) *adapter.Response {
		n++
		if n%6 == 0 {
			return response(200, `"done"`)
		}
		return ops(fmt.Sprintf(`[{"op":"StepRun","id":"%040d","name":"step-%d","data":{"id":"o1"},"userland":{"id":"step-%d"}}]`, n, n, n))
	}, 3)
	b.ReportAllocs()
	for b.Loop() {
		e.runOnce(b, fn)
	}
}
