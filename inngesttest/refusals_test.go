package inngesttest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// sleepy sleeps for an hour, and then until a date.
func sleepy(until func() time.Time) inngestkit.TypedFunction[order, string] {
	return inngestkit.OnEvent("sleepy", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (string, error) {
		step.Sleep(ctx, "an hour", time.Hour)
		step.SleepUntil(ctx, "a date", until())
		return "awake", nil
	})
}

// devApp returns an app with checkout.
func devApp(tb testing.TB) *inngestkit.App {
	tb.Helper()
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	require.NoError(tb, err)
	require.NoError(tb, app.Register(checkout))
	return app
}

// Mistakes of a test, and what the kit cannot do truly, fail the test and say what to do.
func TestRefusals(t *testing.T) {
	t.Parallel()
	virtual := func(tb testing.TB, options ...inngesttest.Option) *inngesttest.Engine {
		e := inngesttest.Virtual(tb, options...)
		e.Register(checkout)
		return e
	}
	for name, tc := range map[string]struct {
		body func(tb testing.TB)
		want []string
	}{
		"a stub of a step that does not exist": {func(tb testing.TB) {
			e := virtual(tb)
			e.Step("chrage").Returns("x")
			inngesttest.Start(e, checkout, order{}).Wait()
		}, []string{`refusals_test.go:`, `Step("chrage").Returns was not used`, "Check its ID"}},
		"a stub that is used too rarely": {func(tb testing.TB) {
			e := virtual(tb)
			e.Step("charge").Returns("x").Times(2)
			inngesttest.Start(e, checkout, order{}).Wait()
		}, []string{"was used 1 of 2 times"}},
		"a stub with two outcomes": {func(tb testing.TB) {
			virtual(tb).Step("charge").Returns("x").TimesOut()
		}, []string{"a stub has one outcome"}},
		"a stub that does not suit the step": {func(tb testing.TB) {
			e := virtual(tb)
			e.Step("charge").TimesOut()
			inngesttest.Start(e, checkout, order{}).Wait()
		}, []string{"does not suit the step, which is a StepRun; use Returns, Fails, Does"}},
		"a value that does not fit the step": {func(tb testing.TB) {
			e := virtual(tb)
			e.Step("charge").Returns(7)
			inngesttest.Start(e, checkout, order{}).Wait()
		}, []string{"the value does not fit", `"charge"`, "JSON number where Go has string"}},
		"a value that is not JSON": {func(tb testing.TB) {
			virtual(tb).Step("charge").Returns(func() {})
		}, []string{"cannot be encoded as JSON"}},
		"the output of a run that has failed": {func(tb testing.TB) {
			e := virtual(tb, inngesttest.Seed(42))
			e.Step("charge").Fails(inngestkit.NoRetry(errors.New("no money")))
			_ = inngesttest.Start(e, checkout, order{}).Wait().Output()
		}, []string{"it is Failed: no money", "run 0", "attempt  outcome", "charge  1/5", "seed 42 (repeat it with INNGESTTEST_SEED=42)"}},
		"the output of a run that has not ended": {func(tb testing.TB) {
			e := inngesttest.Virtual(tb)
			f := sleepy(time.Now)
			e.Register(f)
			_ = inngesttest.Start(e, f, order{}).Output()
		}, []string{"it has not ended; call Wait first", `step "an hour"`}},
		"a step that the run has not reached": {func(tb testing.TB) {
			e := virtual(tb)
			inngesttest.Start(e, checkout, order{}).Wait().Step("refund")
		}, []string{`has not reached the step "refund"; it has reached: charge, ship`}},
		"an event that starts no run": {func(tb testing.TB) {
			e := inngesttest.Virtual(tb)
			f := inngestkit.OnEvent("large", ordered.If("event.data.amount > 1000"),
				func(context.Context, inngestkit.Input[order]) (any, error) { return nil, nil })
			e.Register(f)
			inngesttest.Start(e, f, order{Amount: 5}).Wait()
		}, []string{"has started no run of test-large, and none will start", "condition event.data.amount > 1000 is false"}},
		"a function that is not registered": {func(tb testing.TB) {
			inngesttest.Start(virtual(tb), sleepy(time.Now), order{})
		}, []string{`the function "sleepy" is not registered; registered are: test-checkout`}},
		"functions that cannot be registered": {func(tb testing.TB) {
			inngesttest.Virtual(tb).Register(checkout, checkout)
		}, []string{"cannot be registered", "checkout"}},
		"a wildcard": {func(tb testing.TB) {
			e := inngesttest.Virtual(tb)
			f := inngestkit.OnEvent("all", inngestkit.DefineEvent[any]("shop/*"),
				func(context.Context, inngestkit.Input[any]) (any, error) { return nil, nil })
			e.Register(f)
			inngesttest.Start(e, f, any(nil))
		}, []string{"send one of them with Send"}},
		"SleepUntil after time has passed": {func(tb testing.TB) {
			f := sleepy(func() time.Time { return time.Now().Add(time.Hour) })
			e := inngesttest.Virtual(tb)
			e.Register(f)
			inngesttest.Start(e, f, order{}).Wait()
		}, []string{`step.SleepUntil("a date")`, "after 1h0m0s of virtual time", "synctest.Test"}},
		"SleepUntil with another start": {func(tb testing.TB) {
			f := inngestkit.OnEvent("f", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (any, error) {
				step.SleepUntil(ctx, "a date", time.Now())
				return nil, nil
			})
			inngesttest.Run(tb, f, order{}, inngesttest.StartAt(time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)))
		}, []string{"synctest.Test"}},
		"a step that is to be retried at a date": {func(tb testing.TB) {
			f := inngestkit.OnEvent("f", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (any, error) {
				step.Sleep(ctx, "an hour", time.Hour)
				return step.Run(ctx, "late", func(context.Context) (any, error) {
					return nil, inngestkit.RetryAt(errors.New("busy"), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
				})
			})
			inngesttest.Run(tb, f, order{})
		}, []string{`the error of step "late" asks for a retry at 2100-01-01T00:00:00Z`, "Use RetryAfter"}},
		"a function that is to be retried at a date": {func(tb testing.TB) {
			f := inngestkit.OnEvent("f", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (any, error) {
				step.Sleep(ctx, "an hour", time.Hour)
				return nil, inngestkit.RetryAt(errors.New("busy"), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
			})
			inngesttest.Run(tb, f, order{})
		}, []string{"the error of the function asks for a retry", "synctest.Test"}},
		"a request without an answer": {func(tb testing.TB) {
			f := inngestkit.OnEvent("fetch", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (any, error) {
				return step.Fetch(ctx, "rates", step.FetchRequest{URL: "https://rates.test/eur"})
			})
			inngesttest.Run(tb, f, order{})
		}, []string{`e.Step("rates").Responds(200, …)`, "https://rates.test/eur", "AllowNetwork"}},
		"the event of another wait": {func(tb testing.TB) {
			f := inngestkit.OnEvent("wait", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (any, error) {
				return step.WaitForEvent(ctx, "approval", approved, step.Timeout(time.Hour))
			})
			e := inngesttest.Virtual(tb)
			e.Register(f)
			e.Step("approval").Receives(shipped.New(order{}))
			inngesttest.Start(e, f, order{}).Wait()
		}, []string{`the event is "shop/order.shipped", but the step waits for "shop/order.approved"`}},
		"a signal for which nobody waits": {func(tb testing.TB) {
			virtual(tb).Signal("approve", 1)
		}, []string{"no run waits for the signal"}},
		"time that goes back": {func(tb testing.TB) {
			virtual(tb).Advance(-time.Second)
		}, []string{"negative duration -1s"}},
		"time that is past": {func(tb testing.TB) {
			e := virtual(tb)
			e.AdvanceTo(e.Now().Add(-time.Second))
		}, []string{"which is past"}},
		"a version that is not supported": {func(tb testing.TB) {
			virtual(tb, inngesttest.Version("v1.0.0"))
		}, []string{`the version "v1.0.0" is not supported; use v1.43.0 or v1.12.1`}},
		"a retry interval that the server rounds": {func(tb testing.TB) {
			virtual(tb, inngesttest.RetryInterval(1500*time.Millisecond))
		}, []string{"whole seconds"}},
		"a stub that takes longer than a call may last": {func(tb testing.TB) {
			virtual(tb).Step("charge").Takes(2*time.Hour + 1)
		}, []string{"the server ends a call after 2h0m0s"}},
		"a negative index": {func(tb testing.TB) {
			virtual(tb).Step("charge").Index(-1)
		}, []string{"Index has the number -1; steps are counted from 0"}},
		"a stub of no function": {func(tb testing.TB) {
			virtual(tb).Step("charge").Of(nil)
		}, []string{"Of needs a function"}},
		"a mock without a name": {func(tb testing.TB) {
			virtual(tb).Mock("", func(json.RawMessage) (any, error) { return nil, nil })
		}, []string{"Mock needs the IDs of the app and the function"}},
		"an update without a function": {func(tb testing.TB) {
			virtual(tb).Update(nil)
		}, []string{"Update needs functions, number 1 of them is nil"}},
		"no handler": {func(tb testing.TB) {
			inngesttest.Virtual(tb).Serve(devApp(tb), inngesttest.Through(nil, "/api"))
		}, []string{"Through needs a handler"}},
		"no function of a framework": {func(tb testing.TB) {
			inngesttest.Virtual(tb).Serve(devApp(tb), inngesttest.ThroughFunc(nil, "/api"))
		}, []string{"ThroughFunc needs a handler"}},
		"a relative path": {func(tb testing.TB) {
			inngesttest.Virtual(tb).Serve(devApp(tb), inngesttest.Through(http.NotFoundHandler(), "api"))
		}, []string{`Through has the path "api"; it must begin with a slash`}},
		"a framework that returns nothing": {func(tb testing.TB) {
			e := inngesttest.Virtual(tb)
			e.Serve(devApp(tb), inngesttest.ThroughFunc(func(*http.Request) (*http.Response, error) { return nil, nil }, "/api"))
			inngesttest.Start(e, checkout, order{}).Wait().Output()
		}, []string{"the framework returned neither a response nor an error"}},
		"a mock of a registered function": {func(tb testing.TB) {
			virtual(tb).Mock("test-checkout", func(json.RawMessage) (any, error) { return nil, nil })
		}, []string{"Mock of test-checkout, which is registered"}},
		"a mock that panics": {func(tb testing.TB) {
			f := inngestkit.OnEvent("f", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (any, error) {
				return step.Invoke(ctx, "bill", inngestkit.Ref[order, any]{AppID: "other", FunctionID: "bill"}, order{})
			})
			e := inngesttest.Virtual(tb)
			e.Register(f)
			e.Mock("other-bill", func(json.RawMessage) (any, error) { panic("no bill") })
			inngesttest.Start(e, f, order{}).Wait().Output()
		}, []string{"it is Failed", "panic: no bill"}},
		"a handler that panics": {func(tb testing.TB) {
			e := inngesttest.Virtual(tb)
			e.Serve(devApp(tb), inngesttest.Through(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("no route") }), "/api"))
			inngesttest.Start(e, checkout, order{}).Wait().Output()
		}, []string{"cannot be registered", "the framework returned the error: panic: no route"}},
		"a stub of a sleep": {func(tb testing.TB) {
			e := inngesttest.Virtual(tb)
			f := sleepy(time.Now)
			e.Register(f)
			e.Step("an hour").Returns(1)
			inngesttest.Start(e, f, order{})
			e.Settle()
		}, []string{"was not used: the step is a sleep, which cannot be stubbed; let its time pass with Advance"}},
		"no app": {func(tb testing.TB) {
			inngesttest.Virtual(tb).Send(ordered.New(order{}))
		}, []string{"call Register or Serve first"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, failed := attempt(t, tc.body)
			require.True(t, failed, log)
			for _, want := range tc.want {
				require.Contains(t, log, want)
			}
		})
	}
}

// What looks like the refused cases works.
func TestNotRefused(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]func(tb testing.TB){
		"an optional stub": func(tb testing.TB) {
			e := inngesttest.Virtual(tb)
			e.Register(checkout)
			e.Step("refund").Returns("x").Optional()
			inngesttest.Start(e, checkout, order{}).Wait()
		},
		"RetryAfter after time has passed": func(tb testing.TB) {
			tries := 0
			f := inngestkit.OnEvent("f", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (int, error) {
				step.Sleep(ctx, "an hour", time.Hour)
				if tries++; tries == 1 {
					return 0, inngestkit.RetryAfter(errors.New("busy"), 10*time.Minute)
				}
				return step.Run(ctx, "late", func(context.Context) (int, error) {
					if tries++; tries < 4 {
						return 0, inngestkit.RetryAfter(errors.New("busy"), 20*time.Minute)
					}
					return tries, nil
				})
			})
			e := inngesttest.Virtual(tb)
			e.Register(f)
			inngesttest.Start(e, f, order{}).Wait().Output()
			require.InDelta(tb, 90*time.Minute, e.Elapsed(), float64(3*time.Second), "Retry-After has whole seconds")
		},
		"SleepUntil that another call has announced": func(tb testing.TB) {
			until, tries := time.Now().Add(2*time.Hour), 0
			f := inngestkit.OnEvent("f", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (string, error) {
				return "awake", step.Parallel(ctx, func(ctx context.Context) error {
					_, err := step.Run(ctx, "flaky", func(context.Context) (int, error) {
						if tries++; tries == 1 {
							return 0, errors.New("not yet")
						}
						return tries, nil
					})
					return err
				}, func(ctx context.Context) error {
					step.SleepUntil(ctx, "a date", until)
					return nil
				})
			})
			require.Equal(tb, "awake", inngesttest.Run(tb, f, order{}).Output())
		},
		"SleepUntil as the first sleep": func(tb testing.TB) {
			f := inngestkit.OnEvent("f", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (string, error) {
				step.SleepUntil(ctx, "a date", time.Now().Add(time.Hour))
				step.Sleep(ctx, "longer", time.Hour)
				return "awake", nil
			})
			require.Equal(tb, "awake", inngesttest.Run(tb, f, order{}).Output())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, failed := attempt(t, body)
			require.False(t, failed, log)
		})
	}
	t.Run("SleepUntil in a bubble", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			e := inngesttest.Virtual(t)
			f := sleepy(func() time.Time { return e.Now().Add(time.Hour) })
			e.Register(f)
			require.Equal(t, "awake", inngesttest.Start(e, f, order{}).Wait().Output())
		})
	})
}

func TestRealInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, failed := attempt(t, func(tb testing.TB) { inngesttest.Real(tb) })
		require.True(t, failed, log)
		require.Contains(t, log, "Real cannot run in a bubble of testing/synctest")
	})
}
