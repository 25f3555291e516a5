package inngesttest_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// Time passes only when the test lets it.
func TestTime(t *testing.T) {
	t.Parallel()
	start := time.Date(2031, 6, 1, 0, 0, 0, 0, time.UTC)
	naps := inngestkit.OnEvent("naps", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (any, error) {
		step.Sleep(ctx, "an hour", time.Hour)
		step.Sleep(ctx, "a day", 24*time.Hour)
		return nil, inngestkit.NoRetry(errors.New("tired"))
	})
	test := func(t *testing.T) {
		e := inngesttest.Virtual(t, inngesttest.StartAt(start))
		e.Register(naps, inngestkit.OnCron("yearly", "0 0 1 1 *", func(context.Context, inngestkit.CronInput) (any, error) { return nil, nil }))
		require.True(t, start.Equal(e.Now()))
		run := inngesttest.Start(e, naps, order{})
		wake, ok := e.NextWake()
		require.True(t, ok)
		require.Equal(t, time.Hour, wake.Sub(start))
		require.Equal(t, []string{"an hour"}, stepIDs(run))

		e.AdvanceTo(start.Add(2 * time.Hour))
		require.Equal(t, 2*time.Hour, e.Elapsed())
		require.Equal(t, []string{"an hour", "a day"}, stepIDs(run))
		require.Empty(t, e.Failed())
		e.Drain()
		require.Equal(t, 25*time.Hour, e.Elapsed(), "not until the schedule")
		require.Len(t, e.Failed(), 1)
		e.Advance(365 * 24 * time.Hour)
		require.Len(t, e.Runs(nil), 2)
	}
	t.Run("virtual", func(t *testing.T) { t.Parallel(); test(t) })
	t.Run("bubble", func(t *testing.T) { t.Parallel(); synctest.Test(t, test) })
}

func stepIDs(run inngesttest.AnyRun) []string {
	var ids []string
	for _, s := range run.(interface {
		Steps() []inngesttest.StepRecord
	}).Steps() {
		ids = append(ids, s.ID)
	}
	return ids
}

// Code in a function may send with the engine, and with its own context.
func TestSendFromWithin(t *testing.T) {
	t.Parallel()
	e := inngesttest.Virtual(t)
	count := inngestkit.OnEvent("count", shipped, func(context.Context, inngestkit.Input[order]) (any, error) { return nil, nil })
	ship := inngestkit.OnEvent("ship", ordered, func(ctx context.Context, in inngestkit.Input[order]) (int, error) {
		return step.Run(ctx, "send", func(ctx context.Context) (int, error) {
			e.Send(shipped.New(in.Event.Data))
			_, err := inngestkit.Send(ctx, shipped.New(in.Event.Data))
			return len(e.Events()), err
		})
	})
	e.Register(count, ship)
	require.Equal(t, 3, inngesttest.Start(e, ship, order{}).Wait().Output())
	require.Len(t, e.Runs(count), 2)

	_, err := inngestkit.Send(e.Context(), shipped.New(order{}))
	require.NoError(t, err)
	require.Len(t, e.Runs(count), 3)
}

// Time cannot be advanced from within a function, which would wait for itself.
func TestAdvanceFromWithin(t *testing.T) {
	t.Parallel()
	log, failed := attempt(t, func(tb testing.TB) {
		e := inngesttest.Virtual(tb)
		f := inngestkit.OnEvent("f", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (any, error) {
			return step.Run(ctx, "advance", func(context.Context) (any, error) {
				e.Advance(time.Hour)
				return nil, nil
			})
		})
		e.Register(f)
		inngesttest.Start(e, f, order{}).Wait()
	})
	require.True(t, failed)
	require.Contains(t, log, "a function cannot let time pass in its own call")
}

// With Overlap, steps of the same time can meet.
func TestOverlap(t *testing.T) {
	t.Parallel()
	meeting := sync.WaitGroup{}
	meeting.Add(3)
	f := inngestkit.OnEvent("meet", ordered, func(ctx context.Context, _ inngestkit.Input[order]) ([]int, error) {
		return step.Map(ctx, "arrive", []int{1, 2, 3}, func(_ context.Context, i int) (int, error) {
			meeting.Done()
			meeting.Wait()
			return i, nil
		})
	})
	require.Equal(t, []int{1, 2, 3}, inngesttest.Run(t, f, order{}, inngesttest.Overlap()).Output())
}

// Functions that do not take the same way in each call fail the test, unless it allows that.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	calls := 0
	changing := inngestkit.OnEvent("changing", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (int, error) {
		if calls++; calls > 3 {
			return calls, nil
		}
		return step.Run(ctx, strconv.Itoa(calls), func(context.Context) (int, error) { return 0, nil })
	})
	log, failed := attempt(t, func(tb testing.TB) { inngesttest.Run(tb, changing, order{}) })
	require.True(t, failed)
	require.Contains(t, log, "is not deterministic")
	require.Contains(t, log, "inngesttest.Nondeterministic")

	calls = 0
	e := inngesttest.Virtual(t, inngesttest.Nondeterministic(changing, "it ends at once when there is nothing to do"))
	e.Register(changing)
	require.Equal(t, 4, inngesttest.Start(e, changing, order{}).Wait().Output())

	log, failed = attempt(t, func(tb testing.TB) { inngesttest.Virtual(tb, inngesttest.Nondeterministic(changing, "")) })
	require.True(t, failed)
	require.Contains(t, log, "has no reason")
}

// The same seed gives the same times, another seed others.
func TestSeed(t *testing.T) {
	t.Parallel()
	elapsed := func(options ...inngesttest.Option) time.Duration {
		e := inngesttest.Virtual(t, options...)
		e.Register(checkout)
		e.Step("charge").Fails(errors.New("gateway down")).Times(3)
		inngesttest.Start(e, checkout, order{}).Wait()
		return e.Elapsed()
	}
	first, second := elapsed(inngesttest.Seed(7)), elapsed(inngesttest.Seed(7))
	require.Equal(t, first, second)
	require.NotEqual(t, first, elapsed(inngesttest.Seed(8)))
	require.Equal(t, 105*time.Second, elapsed(inngesttest.NoJitter()))
	require.Equal(t, 6*time.Second, elapsed(inngesttest.RetryInterval(2*time.Second)))
}

// In a bubble, the context of a call is the same until its end, and a test may end while a call
// is under way.
func TestCallUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ended []error
		f := inngestkit.OnEvent("slow", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (any, error) {
			return step.Run(ctx, "slow", func(ctx context.Context) (any, error) {
				select {
				case <-ctx.Done():
				case <-time.After(time.Minute):
				}
				ended = append(ended, ctx.Err())
				return nil, ctx.Err()
			})
		})
		t.Cleanup(func() { require.Equal(t, []error{nil, context.Canceled}, ended) })
		e := inngesttest.Virtual(t)
		e.Register(f)
		run := inngesttest.Start(e, f, order{})
		for range 59 {
			e.Advance(time.Second)
		}
		require.Empty(t, run.Steps(), "the server learns of it with the response")
		run.Wait()
		inngesttest.Start(e, f, order{})
		e.Settle()
	})
}

type invoice struct {
	Total int `json:"total"`
}

// Functions of several apps start and invoke each other.
func TestSeveralApps(t *testing.T) {
	t.Parallel()
	bill := inngestkit.OnEvent("bill", shipped, func(_ context.Context, in inngestkit.Input[order]) (invoice, error) {
		return invoice{Total: 2 * in.Event.Data.Amount}, nil
	})
	place := inngestkit.OnEvent("place", ordered, func(ctx context.Context, in inngestkit.Input[order]) (int, error) {
		if _, err := step.SendEvent(ctx, "ship", shipped.New(in.Event.Data)); err != nil {
			return 0, err
		}
		billed, err := step.Invoke(ctx, "bill", inngestkit.Ref[order, invoice]{AppID: "test", FunctionID: "bill"}, in.Event.Data)
		return billed.Total, err
	})
	e := inngesttest.Virtual(t)
	e.Serve(newApp(t, inngestkit.Config{Dev: true}, place))
	e.Register(bill)
	require.Equal(t, 6, inngesttest.Start(e, place, order{Amount: 3}).Wait().Output())
	require.Len(t, e.Runs(bill), 2)
}

// A bubble may end while a call sleeps: the engine lets the call end.
func TestBubbleEndsDuringCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true}) // nobody shuts it down
		require.NoError(t, err)
		require.NoError(t, app.Register(checkout))
		e := inngesttest.Virtual(t)
		e.Serve(app)
		e.Step("charge").Takes(time.Minute)
		run := inngesttest.Start(e, checkout, order{})
		require.Equal(t, inngesttest.RunRunning, run.Status())
	})
}
