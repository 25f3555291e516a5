package inngesttest_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// checkout charges an order, ships it, and refunds it if it cannot be shipped.
var checkout = inngestkit.OnEvent("checkout", ordered, func(ctx context.Context, in inngestkit.Input[order]) (string, error) {
	charge, err := step.Run(ctx, "charge", func(context.Context) (string, error) { return "charge-1", nil })
	if err != nil {
		return "", err
	}
	if _, err := step.Run(ctx, "ship", func(context.Context) (string, error) { return "parcel-1", nil }); err != nil {
		return step.Run(ctx, "refund", func(context.Context) (string, error) { return "refunded " + charge, nil })
	}
	return "shipped " + in.Event.Data.ID, nil
})

// The shortest test of a function.
func TestRun(t *testing.T) {
	t.Parallel()
	require.Equal(t, "shipped o1", inngesttest.Run(t, checkout, order{ID: "o1"}).Output())
}

// A step that fails is tried again with the pauses of the server.
func TestRetries(t *testing.T) {
	t.Parallel()
	e := inngesttest.Virtual(t)
	e.Register(checkout)
	e.Step("charge").Fails(errors.New("gateway down")).Times(2)

	run := inngesttest.Start(e, checkout, order{ID: "o1"}).Wait()
	require.Equal(t, "shipped o1", run.Output())
	require.Equal(t, 3, run.Step("charge").Attempts)
	require.Equal(t, []string{"gateway down", "gateway down"}, run.Step("charge").Errors)
	require.GreaterOrEqual(t, e.Elapsed(), 25*time.Second)
}

// A step that fails for good is compensated.
func TestCompensation(t *testing.T) {
	t.Parallel()
	e := inngesttest.Virtual(t)
	e.Register(checkout)
	e.Step("ship").Fails(inngestkit.NoRetry(errors.New("no stock")))

	run := inngesttest.Start(e, checkout, order{ID: "o1"}).Wait()
	require.Equal(t, "refunded charge-1", run.Output())
	require.Equal(t, 1, run.Step("ship").Attempts)
	require.ErrorContains(t, run.Step("ship").Err, "no stock")
	require.Equal(t, 1, run.Step("refund").Attempts)
	require.Zero(t, e.Elapsed())
}

// An approval arrives after days, or never.
func TestApproval(t *testing.T) {
	t.Parallel()
	expense := inngestkit.OnEvent("expense", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (string, error) {
		answer, err := step.WaitForEvent(ctx, "approval", approved,
			step.If("async.data.orderId == event.data.id"), step.Timeout(7*24*time.Hour))
		if errors.Is(err, step.ErrTimeout) {
			return "expired", nil
		}
		return "approved by " + answer.Data.By, err
	})
	for name, tc := range map[string]struct {
		meanwhile func(e *inngesttest.Engine)
		want      string
		after     time.Duration
	}{
		"arrives": {
			func(e *inngesttest.Engine) {
				e.Advance(2 * 24 * time.Hour)
				e.Send(approved.New(approval{OrderID: "o1", By: "ann"}))
			},
			"approved by ann", 2 * 24 * time.Hour,
		},
		"arrives for another order": {
			func(e *inngesttest.Engine) { e.Send(approved.New(approval{OrderID: "o2", By: "ann"})) },
			"expired", 7 * 24 * time.Hour,
		},
		"does not arrive": {func(e *inngesttest.Engine) { e.Advance(8 * 24 * time.Hour) }, "expired", 8 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := inngesttest.Virtual(t)
			e.Register(expense)
			run := inngesttest.Start(e, expense, order{ID: "o1", Amount: 900})
			tc.meanwhile(e)
			require.Equal(t, tc.want, run.Wait().Output())
			require.Equal(t, tc.after, e.Elapsed())
		})
	}
}

type user struct {
	ID        string    `json:"id"`
	TrialEnds time.Time `json:"trialEnds"`
}

var signedUp = inngestkit.DefineEvent[user]("user/signed.up")

// Three months pass in a bubble, in which the clock of the function is virtual, too.
func TestTrial(t *testing.T) {
	t.Parallel()
	trial := inngestkit.OnEvent("trial", signedUp, func(ctx context.Context, in inngestkit.Input[user]) ([]string, error) {
		var mails []string
		mail := func(id string) error {
			sent, err := step.Run(ctx, id, func(context.Context) (string, error) {
				return id + " " + time.Now().UTC().Format(time.DateOnly), nil
			})
			mails = append(mails, sent)
			return err
		}
		if err := mail("welcome"); err != nil {
			return nil, err
		}
		step.Sleep(ctx, "a month", 30*24*time.Hour)
		if err := mail("tips"); err != nil {
			return nil, err
		}
		step.SleepUntil(ctx, "the end", in.Event.Data.TrialEnds.Add(-24*time.Hour))
		return mails, mail("last call")
	})
	synctest.Test(t, func(t *testing.T) {
		run := inngesttest.Run(t, trial, user{ID: "u1", TrialEnds: time.Now().AddDate(0, 3, 0)})
		require.Equal(t, []string{"welcome 2000-01-01", "tips 2000-01-31", "last call 2000-03-31"}, run.Output())
	})
}

// Events start other functions, and what was sent is known with its types.
func TestFanOut(t *testing.T) {
	t.Parallel()
	place := inngestkit.OnEvent("place", ordered, func(ctx context.Context, in inngestkit.Input[order]) (any, error) {
		second := in.Event.Data
		second.ID += "b"
		_, err := step.SendEvent(ctx, "ship", shipped.New(in.Event.Data), shipped.New(second))
		return nil, err
	})
	notify := inngestkit.OnEvent("notify", shipped, func(_ context.Context, in inngestkit.Input[order]) (string, error) {
		return "shipped " + in.Event.Data.ID, nil
	})
	e := inngesttest.Virtual(t)
	e.Register(place, notify)
	e.Send(ordered.New(order{ID: "o1"}), ordered.New(order{ID: "o2"}))
	e.Drain()

	require.Empty(t, e.Failed())
	require.Len(t, inngesttest.EventsOf(e, shipped), 4)
	var outputs []string
	for _, run := range e.Runs(notify) {
		outputs = append(outputs, string(run.OutputJSON()))
	}
	require.ElementsMatch(t, []string{`"shipped o1"`, `"shipped o1b"`, `"shipped o2"`, `"shipped o2b"`}, outputs)
}

type receipt struct {
	ID string `json:"id"`
}

// A function of another app is mocked.
func TestMock(t *testing.T) {
	t.Parallel()
	billing := inngestkit.Ref[order, receipt]{AppID: "billing", FunctionID: "charge"}
	pay := inngestkit.OnEvent("pay", ordered, func(ctx context.Context, in inngestkit.Input[order]) (string, error) {
		paid, err := step.Invoke(ctx, "charge", billing, in.Event.Data)
		return paid.ID, err
	})
	e := inngesttest.Virtual(t)
	e.Register(pay)
	e.Mock("billing-charge", func(data json.RawMessage) (any, error) {
		var o order
		if err := json.Unmarshal(data, &o); err != nil {
			return nil, err
		}
		return receipt{ID: "receipt of " + o.ID}, nil
	})
	require.Equal(t, "receipt of o1", inngesttest.Start(e, pay, order{ID: "o1"}).Wait().Output())

	e.Mock("billing-charge", func(json.RawMessage) (any, error) { return nil, errors.New("declined") })
	run := inngesttest.Start(e, pay, order{ID: "o2"}).Wait()
	require.Equal(t, inngesttest.RunFailed, run.Status())
	require.ErrorContains(t, run.Err(), "declined")
}

// Batches wait until they are full or time out; of several events, a debounce keeps the last.
func TestBatchAndDebounce(t *testing.T) {
	t.Parallel()
	importRows := inngestkit.OnEvent("import", ordered, func(_ context.Context, in inngestkit.Input[order]) (int, error) {
		return len(in.Events), nil
	}, flow.BatchEvents(100, time.Minute))
	reindex := inngestkit.OnEvent("reindex", ordered, func(_ context.Context, in inngestkit.Input[order]) (int, error) {
		return in.Event.Data.Amount, nil
	}, flow.Debounce(10*time.Second))
	e := inngesttest.Virtual(t)
	e.Register(importRows, reindex)
	events := make([]inngestkit.AnyEvent, 99)
	for i := range events {
		events[i] = ordered.New(order{Amount: i})
	}
	e.Send(events...)
	require.Empty(t, e.Runs(importRows))
	require.Empty(t, e.Runs(reindex))

	e.Advance(62 * time.Second)
	require.Len(t, e.Runs(importRows), 1)
	require.JSONEq(t, "99", string(e.Runs(importRows)[0].OutputJSON()))
	require.Len(t, inngesttest.EventsOf(e.Runs(importRows)[0], ordered), 99)
	require.Len(t, e.Runs(reindex), 1)
	require.JSONEq(t, "98", string(e.Runs(reindex)[0].OutputJSON()))
}

// Concurrency limits calls by key, and a waiting run says what it waits for.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	render := inngestkit.OnEvent("render", ordered, func(ctx context.Context, in inngestkit.Input[order]) (string, error) {
		return step.Run(ctx, "render", func(context.Context) (string, error) { return in.Event.Data.ID, nil })
	}, flow.Concurrency(1, flow.Key("event.data.id")))
	e := inngesttest.Virtual(t)
	e.Register(render)
	e.Step("render").Takes(time.Minute)
	e.Send(ordered.New(order{ID: "a"}), ordered.New(order{ID: "a"}), ordered.New(order{ID: "b"}))

	runs := e.Runs(render)
	require.Len(t, runs, 3)
	require.Empty(t, runs[0].Waiting())
	require.Len(t, runs[1].Waiting(), 1)
	require.Contains(t, runs[1].Waiting()[0], "concurrency")
	require.Empty(t, runs[2].Waiting())
	e.Advance(time.Minute)
	require.Equal(t, inngesttest.RunCompleted, runs[2].Status())
	require.Equal(t, inngesttest.RunRunning, runs[1].Status())
	e.Drain()
	require.Equal(t, 2*time.Minute, e.Elapsed())
}

// Schedules fire, events cancel runs, and failures reach their handler.
func TestCronCancelFailure(t *testing.T) {
	t.Parallel()
	report := inngestkit.OnCron("report", "0 9 * * 1", func(_ context.Context, in inngestkit.CronInput) (string, error) {
		return in.Event.Data.ScheduledAt.Format(time.DateOnly), nil
	})
	remind := inngestkit.OnEvent("remind", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (any, error) {
		step.Sleep(ctx, "a day", 24*time.Hour)
		return nil, nil
	}, flow.CancelOn(shipped, flow.Match("data.id")))
	var failure inngestkit.FailedRun[order]
	fragile := inngestkit.OnEvent("fragile", shipped, func(context.Context, inngestkit.Input[order]) (any, error) {
		return nil, inngestkit.NoRetry(errors.New("broken"))
	}, inngestkit.OnFailure(func(_ context.Context, in inngestkit.Input[inngestkit.FailedRun[order]]) (any, error) {
		failure = in.Event.Data
		return nil, nil
	}))
	monday := time.Date(2031, 6, 2, 9, 0, 0, 0, time.UTC)
	e := inngesttest.Virtual(t, inngesttest.StartAt(monday.Add(-24*time.Hour)))
	e.Register(report, remind, fragile)

	e.AdvanceTo(monday.Add(time.Second))
	require.Len(t, e.Runs(report), 1)
	require.JSONEq(t, `"2031-06-02"`, string(e.Runs(report)[0].OutputJSON()))

	reminder := inngesttest.Start(e, remind, order{ID: "o1"})
	e.Send(shipped.New(order{ID: "o2"}))
	require.Equal(t, inngesttest.RunRunning, reminder.Status())
	e.Send(shipped.New(order{ID: "o1"}))
	require.Equal(t, inngesttest.RunCancelled, reminder.Status())

	require.Len(t, e.Failed(), 2)
	require.Len(t, e.Runs(inngesttest.FailureHandler(fragile)), 2)
	require.Equal(t, "broken", failure.Error.Message)
	require.Equal(t, "o1", failure.Event.Data.ID)
}
