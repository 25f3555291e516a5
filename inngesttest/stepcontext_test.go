package inngesttest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

type expense struct {
	ID     string `json:"id"`
	Amount int    `json:"amount"`
	note   string
}

var (
	expenseMade     = inngestkit.DefineEvent[expense]("expense/made")
	expenseApproved = inngestkit.DefineEvent[expense]("expense/approved")
	expensePaid     = inngestkit.DefineEvent[expense]("expense/paid")
	pay             = inngestkit.Ref[expense, string]{FunctionID: "pay"}
)

var errNoMail = errors.New("the mail server is down")

// payExpense is a handler that uses several kinds of steps.
func payExpense(ctx context.Context, in inngestkit.Input[expense]) (string, error) {
	made := in.Event.Data
	if _, err := step.Run(ctx, "ask", func(context.Context) (string, error) { return "", errNoMail }); err != nil {
		return "", err
	}
	_, err := step.WaitForEvent(ctx, "approval", expenseApproved, step.Timeout(7*24*time.Hour), step.Match("data.id"))
	if errors.Is(err, step.ErrTimeout) {
		return "expired", nil
	}
	if err != nil {
		return "", err
	}
	step.Sleep(ctx, "cool down", time.Hour)
	paid, err := step.Invoke(ctx, "pay", pay, made)
	if err != nil {
		return "", err
	}
	_, err = step.SendEvent(ctx, "paid", expensePaid.New(made))
	return paid, err
}

var nine = expenseMade.New(expense{ID: "x1", Amount: 9, note: "lost"})

// A test calls a handler without an app and an engine.
func TestStepContext(t *testing.T) {
	t.Parallel()
	ctx := inngesttest.StepContext(t,
		inngesttest.Step("ask").Returns("asked"),
		inngesttest.Step("approval").Receives(expenseApproved.New(expense{ID: "x1"})),
		inngesttest.Step("pay").Returns("r1"),
	)
	rec := inngesttest.NewRecorder(t)
	paid, err := payExpense(rec.Context(ctx), inngesttest.Input(t, nine))
	require.NoError(t, err)
	require.Equal(t, "r1", paid)
	require.Equal(t, expense{ID: "x1", Amount: 9}, inngesttest.RequireEvents(rec, expensePaid, 1)[0].Data)
	var called []string
	for _, s := range inngesttest.Steps(ctx) {
		require.True(t, s.Ended)
		called = append(called, fmt.Sprint(s.Kind, " ", s.ID, " ", s.Attempts, " ", string(s.Output)))
	}
	require.Equal(t, `StepRun ask 1 "asked"`, called[0])
	require.Regexp(t, `^WaitForEvent approval 1 \{.*"name":"expense/approved"`, called[1])
	require.Equal(t, []string{"Sleep cool down 1 ", `InvokeFunction pay 1 "r1"`}, called[2:4])
	require.Regexp(t, `^StepRun paid 1 \["[0-9A-Z]{26}"\]$`, called[4])
	require.Len(t, called, 5)
}

func TestStepContextTimesOut(t *testing.T) {
	t.Parallel()
	ctx := inngesttest.StepContext(t, inngesttest.Step("ask").Returns(""), inngesttest.Step("approval").TimesOut())
	paid, err := payExpense(ctx, inngesttest.Input(t, nine))
	require.NoError(t, err)
	require.Equal(t, "expired", paid)
}

// The error of a step is a step.Error, not the error of its callback.
func TestStepContextErrors(t *testing.T) {
	t.Parallel()
	ctx := inngesttest.StepContext(t)
	_, err := payExpense(ctx, inngesttest.Input(t, nine))
	require.NotErrorIs(t, err, errNoMail)
	failed, ok := errors.AsType[step.Error](err)
	require.True(t, ok)
	require.Equal(t, errNoMail.Error(), failed.Message)
	steps := inngesttest.Steps(ctx)
	require.Equal(t, []string{errNoMail.Error()}, steps[0].Errors)
	require.Equal(t, failed, steps[0].Err)

	ctx = inngesttest.StepContext(t,
		inngesttest.Step("ask").Returns(""),
		inngesttest.Step("approval").Receives(expenseApproved.New(expense{})),
		inngesttest.Step("pay").Fails(errors.New("no money")))
	_, err = payExpense(ctx, inngesttest.Input(t, nine))
	failed, ok = errors.AsType[step.Error](err)
	require.True(t, ok)
	require.Equal(t, "no money", failed.Message)
}

// Limited answers are attempts: the step is tried again behind them.
func TestStepContextAttempts(t *testing.T) {
	t.Parallel()
	calls := 0
	charge := func(ctx context.Context) (int, error) {
		return step.Run(ctx, "charge", func(context.Context) (int, error) {
			calls++
			return calls, nil
		})
	}
	ctx := inngesttest.StepContext(t, inngesttest.Step("charge").Fails(errNoMail).Times(2))
	got, err := charge(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, got)
	require.Equal(t, 3, inngesttest.Steps(ctx)[0].Attempts)
	require.Equal(t, []string{errNoMail.Error(), errNoMail.Error()}, inngesttest.Steps(ctx)[0].Errors)

	ctx = inngesttest.StepContext(t, inngesttest.Step("charge").Fails(errNoMail).Times(5))
	_, err = charge(ctx)
	require.ErrorContains(t, err, errNoMail.Error())
	ctx = inngesttest.StepContext(t, inngesttest.Step("charge").Fails(inngestkit.NoRetry(errNoMail)).Once())
	_, err = charge(ctx)
	require.ErrorContains(t, err, errNoMail.Error())
	require.Equal(t, 1, inngesttest.Steps(ctx)[0].Attempts)
	require.Equal(t, 1, calls)
	ctx = inngesttest.StepContext(t, inngesttest.Step("charge").Fails(errNoMail))
	_, err = charge(ctx)
	require.ErrorContains(t, err, errNoMail.Error())
	require.Equal(t, 1, inngesttest.Steps(ctx)[0].Attempts, "the outcome would stay the same")

	ctx = inngesttest.StepContext(t, inngesttest.Step("charge").Does(func(ctx context.Context, in inngesttest.StepInput) (any, error) {
		return in.Callback(ctx)
	}))
	got, err = charge(ctx)
	require.NoError(t, err)
	require.Equal(t, 2, got)
}

// Steps with the same ID are counted, also in Map and Parallel.
func TestStepContextCounts(t *testing.T) {
	t.Parallel()
	ctx := inngesttest.StepContext(t, inngesttest.Step("double").Index(1).Returns(100))
	doubled, err := step.Map(ctx, "double", []int{1, 2, 3}, func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	require.NoError(t, err)
	require.Equal(t, []int{2, 100, 6}, doubled)
	for i, s := range inngesttest.Steps(ctx) {
		require.Equal(t, i, s.Index)
	}
}

// Sleeps take no time, regardless of the clock.
func TestStepContextSleeps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx := inngesttest.StepContext(t)
		step.Sleep(ctx, "a", 100*24*time.Hour)
		step.SleepUntil(ctx, "b", start.AddDate(1, 0, 0))
		require.Equal(t, start, time.Now())
		require.Equal(t, "Sleep", inngesttest.Steps(ctx)[1].Kind)
	})
}

// The panic of a callback is the error of its step.
func TestStepContextPanic(t *testing.T) {
	t.Parallel()
	ctx := inngesttest.StepContext(t)
	_, err := step.Run(ctx, "charge", func(context.Context) (int, error) { panic("no terminal") }) // logs the stack
	require.ErrorContains(t, err, `step "charge" panicked: no terminal`)
	require.Equal(t, err.Error(), inngesttest.Steps(ctx)[0].Err.Error())
	_, err = step.Run(ctx, "next", func(context.Context) (int, error) { return 1, nil })
	require.NoError(t, err)
}

// What ends the run in production fails the test, and so does what the answers lack.
func TestStepContextFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers func() []*inngesttest.Stub
		handler func(ctx context.Context) error
		want    string
	}{
		"no answer to a wait": {nil, func(ctx context.Context) error {
			_, err := step.WaitForEvent(ctx, "approval", expenseApproved, step.Timeout(time.Hour))
			return err
		}, `step "approval" waits for event "expense/approved", and the test has no answer. Add to StepContext: ` +
			`inngesttest.Step("approval").Receives(event) or inngesttest.Step("approval").TimesOut()`},
		"no answer to an invocation": {nil, func(ctx context.Context) error {
			_, err := step.Invoke(ctx, "pay", pay, expense{})
			return err
		}, `step "pay" invokes function "test-pay", and the test has no answer. Add to StepContext: ` +
			`inngesttest.Step("pay").Returns(output), where output is a string, `},
		"no answer to a request": {nil, func(ctx context.Context) error {
			_, err := step.Fetch(ctx, "get", step.FetchRequest{URL: "https://example.com/"})
			return err
		}, `step "get" requests GET https://example.com/, and the test has no answer. Add to StepContext: ` +
			`inngesttest.Step("get").Responds(200, body) or inngesttest.Step("get").Fails(err)`},
		"no answer to a signal": {nil, func(ctx context.Context) error {
			_, err := step.WaitForSignal[int](ctx, "s", "approval", step.Timeout(time.Hour))
			return err
		}, `step "s" waits for signal "approval"`},
		"no timeout": {stubs(inngesttest.Step("approval").TimesOut().Optional()), func(ctx context.Context) error {
			_, err := step.WaitForEvent(ctx, "approval", expenseApproved)
			return err
		}, `in production, the run fails here: step "approval" waits 0s for event "expense/approved": give step.Timeout`},
		"too long a sleep": {nil, func(ctx context.Context) error {
			step.Sleep(ctx, "s", 400*24*time.Hour)
			return errors.New("went on")
		}, `in production, the run fails here: step "s" sleeps for 9600h0m0s: a run sleeps for at most 366 days`},
		"a step in a callback": {nil, func(ctx context.Context) error {
			_, err := step.Run(ctx, "outer", func(ctx context.Context) (int, error) {
				return step.Run(ctx, "inner", func(context.Context) (int, error) { return 1, nil })
			})
			return err
		}, `step "inner" was called inside the callback of step "outer": call it in the function itself`},
		"a step in a callback with the function's context": {nil, func(outer context.Context) error {
			_, err := step.Run(outer, "outer", func(context.Context) (int, error) {
				step.Sleep(outer, "inner", time.Hour)
				return 1, nil
			})
			return errors.Join(err, errors.New("went on"))
		}, `step "inner" was called inside the callback of step "outer": call it in the function itself`},
		"the same key": {nil, func(ctx context.Context) error {
			step.Sleep(ctx, "poll:1", 1)
			step.Sleep(ctx, "poll", 1)
			step.Sleep(ctx, "poll", 1)
			return errors.New("went on")
		}, `step "poll:1" has the ID that Inngest gives to step number 2 of those with the ID "poll"`},
		"another event": {
			stubs(inngesttest.Step("approval").Receives(nine)),
			func(ctx context.Context) error {
				_, err := step.WaitForEvent(ctx, "approval", expenseApproved, step.Timeout(time.Hour))
				return err
			}, `Step("approval").Receives: the event is "expense/made", but the step waits for "expense/approved"`,
		},
		"another kind": {
			stubs(inngesttest.Step("ask").TimesOut()),
			func(ctx context.Context) error {
				_, err := step.Run(ctx, "ask", func(context.Context) (int, error) { return 1, nil })
				return err
			}, `Step("ask").TimesOut does not suit the step, which is a StepRun; use Returns, Fails, Does`,
		},
		"another type": {
			stubs(inngesttest.Step("ask").Returns("seven")),
			func(ctx context.Context) error {
				_, err := step.Run(ctx, "ask", func(context.Context) (int, error) { return 1, nil })
				return err
			}, `Step("ask").Returns: the value "seven" does not fit the type of step "ask", int: json: cannot unmarshal string`,
		},
		"another type of event": {
			stubs(inngesttest.Step("approval").Receives(inngestkit.Event[any]{
				Name: "expense/approved", Data: map[string]any{"amount": "nine"},
			})),
			func(ctx context.Context) error {
				_, err := step.WaitForEvent(ctx, "approval", expenseApproved, step.Timeout(time.Hour))
				return err
			}, `does not fit the type of step "approval"`,
		},
		"an answer without use": {
			stubs(inngesttest.Step("ask").Returns(1), inngesttest.Step("tell").Returns(1).Optional()),
			func(context.Context) error { return errors.New("went on") },
			`Step("ask").Returns was not used`,
		},
		"a body that is not JSON": {
			stubs(inngesttest.Step("ask").Responds(200, "hello")),
			func(ctx context.Context) error {
				_, err := step.Infer[any](ctx, "ask", step.InferRequest{URL: "https://example.com/"})
				return err
			}, `the body "hello" is not JSON`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, failed := attempt(t, func(tb testing.TB) {
				var answers []*inngesttest.Stub
				if c.answers != nil {
					answers = c.answers()
				}
				require.Error(t, c.handler(inngesttest.StepContext(tb, answers...)))
			})
			require.True(t, failed)
			require.Contains(t, log, c.want)
		})
	}
}

// A failing test logs the steps, without the answers that were not used because of the failure.
func TestStepContextLogsSteps(t *testing.T) {
	t.Parallel()
	log, failed := attempt(t, func(tb testing.TB) {
		ctx := inngesttest.StepContext(tb,
			inngesttest.Step("ask").Fails(errNoMail), inngesttest.Step("never").TimesOut())
		for range 2 {
			_, err := step.Run(ctx, "count", func(context.Context) (int, error) { return 1, nil })
			require.NoError(t, err)
		}
		_, err := payExpense(ctx, inngesttest.Input(tb, nine))
		tb.Errorf("the test's own failure: %v", err)
	})
	require.True(t, failed)
	require.Contains(t, log, "the steps that the handler has called:\n\tStepRun count: ok 1\n\tStepRun count:1: ok 1\n"+
		"\tStepRun ask: error: the mail server is down\n")
	require.NotContains(t, log, "never")
}

func stubs(all ...*inngesttest.Stub) func() []*inngesttest.Stub {
	return func() []*inngesttest.Stub { return all }
}

// The input of a handler has been JSON.
func TestInput(t *testing.T) {
	t.Parallel()
	in := inngesttest.Input(t, nine)
	require.Equal(t, expense{ID: "x1", Amount: 9}, in.Event.Data)
	require.NotEmpty(t, in.Event.ID)
	require.NotZero(t, in.Event.Timestamp)
	require.Equal(t, []inngestkit.Event[expense]{in.Event}, in.Events)
	require.NotEmpty(t, in.InputCtx.RunID)
	batch := inngesttest.Input(t, nine, expenseMade.New(expense{ID: "x2"}))
	require.Equal(t, "x1", batch.Event.Data.ID)
	require.Equal(t, "x2", batch.Events[1].Data.ID)
	require.NotEqual(t, *batch.Events[0].ID, *batch.Events[1].ID)
	log, failed := attempt(t, func(tb testing.TB) {
		inngesttest.Input(tb, inngestkit.Event[chan int]{Name: "e", Data: make(chan int)})
	})
	require.True(t, failed)
	require.Contains(t, log, `Input: event 0, "e": json: unsupported type: chan int`)
}
