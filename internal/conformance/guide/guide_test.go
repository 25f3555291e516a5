package guide

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newShop() *Shop {
	return &Shop{mail: func(context.Context, string, string) error { return nil }}
}

func TestWelcome(t *testing.T) {
	sent := inngesttest.Run(t, newShop().Welcome(), User{UserID: "u1", Email: "ann@example.com"}).Output()
	require.Equal(t, Sent{EmailSent: true, To: "ann@example.com"}, sent)
}

func TestWelcomeSteps(t *testing.T) {
	e := inngesttest.Virtual(t)
	welcome := newShop().Welcome()
	e.Register(welcome)
	run := inngesttest.Start(e, welcome, User{UserID: "u1", Email: "ann@example.com"}).Wait()

	require.Equal(t, inngesttest.RunCompleted, run.Status())
	require.Equal(t, 7*24*time.Hour, e.Elapsed())
	require.Equal(t, Sent{true, "ann@example.com"}, inngesttest.StepOutput[Sent](run, "send-welcome-email"))
	require.Equal(t, 1, run.Step("send-tips").Attempts)
	require.Equal(t, "u1", inngesttest.EventsOf(e, userWelcomed)[0].Data.UserID)
}

func TestMailServerRecovers(t *testing.T) {
	e := inngesttest.Virtual(t)
	welcome := newShop().Welcome()
	e.Register(welcome)
	e.Step("send-welcome-email").Fails(errMailDown).Times(2)
	run := inngesttest.Start(e, welcome, User{UserID: "u1"}).Wait()

	require.Equal(t, inngesttest.RunCompleted, run.Status())
	require.Equal(t, 3, run.Step("send-welcome-email").Attempts)
}

func TestMailServerIsDown(t *testing.T) {
	e := inngesttest.Virtual(t)
	welcome := newShop().Welcome()
	e.Register(welcome)
	e.Step("send-welcome-email").Fails(errMailDown)
	run := inngesttest.Start(e, welcome, User{UserID: "u1"}).Wait()

	require.Equal(t, inngesttest.RunFailed, run.Status())
	require.ErrorContains(t, run.Err(), "email service unavailable")
	require.Len(t, run.Steps(), 1) // later steps did not run
}

func TestApproval(t *testing.T) {
	e := inngesttest.Virtual(t)
	e.Register(approve)
	run := inngesttest.Start(e, approve, Expense{ExpenseID: "x1", Cents: 90_000})
	e.Advance(2 * 24 * time.Hour)
	e.Send(expenseApproved.New(Approval{ExpenseID: "x2", By: "bob"})) // another expense
	e.Send(expenseApproved.New(Approval{ExpenseID: "x1", By: "ann"}))
	require.Equal(t, "approved by ann", run.Wait().Output())
}

func TestNoApproval(t *testing.T) {
	run := inngesttest.Run(t, approve, Expense{ExpenseID: "x1"})
	require.Equal(t, "expired", run.Output())
}

func TestTrialEnds(t *testing.T) {
	type Trial struct {
		Ends time.Time `json:"ends"`
	}
	trialBegun := inngestkit.DefineEvent[Trial]("trial.begun")
	trial := inngestkit.OnEvent("end-trial", trialBegun,
		func(ctx context.Context, in inngestkit.Input[Trial]) (string, error) {
			step.Sleep(ctx, "a-day", 24*time.Hour)
			step.SleepUntil(ctx, "until-the-end", in.Event.Data.Ends)
			return time.Now().UTC().Format(time.DateOnly), nil
		})
	synctest.Test(t, func(t *testing.T) {
		run := inngesttest.Run(t, trial, Trial{Ends: time.Now().AddDate(0, 3, 0)})
		require.Equal(t, "2000-04-01", run.Output())
	})
}

func TestWholeApp(t *testing.T) {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	require.NoError(t, err)
	welcome := newShop().Welcome()
	require.NoError(t, app.Register(welcome, approve))
	app.Use(inngestkit.Logging(slog.LevelDebug))

	e := inngesttest.Virtual(t)
	e.Serve(app, inngesttest.Through(newRouter(app), "/api/inngest"))
	e.Send(userCreated.New(User{UserID: "u1"}), expenseFiled.New(Expense{ExpenseID: "x1"}))
	e.Drain()
	require.Empty(t, e.Failed())
	require.Len(t, e.Runs(welcome), 1)
	require.Len(t, e.Runs(approve), 1)
}

func TestOtherApp(t *testing.T) {
	charge := inngestkit.Ref[Expense, string]{AppID: "billing", FunctionID: "charge"}
	pay := inngestkit.OnEvent("pay", expenseFiled, func(ctx context.Context, in inngestkit.Input[Expense]) (string, error) {
		return step.Invoke(ctx, "charge", charge, in.Event.Data)
	})
	e := inngesttest.Virtual(t)
	e.Register(pay)
	e.Mock("billing-charge", func(json.RawMessage) (any, error) { return "receipt-1", nil })
	require.Equal(t, "receipt-1", inngesttest.Start(e, pay, Expense{ExpenseID: "x1"}).Wait().Output())
}

func TestRender(t *testing.T) {
	render := inngestkit.OnEvent("render", userCreated, func(ctx context.Context, in inngestkit.Input[User]) (any, error) {
		return step.Run(ctx, "render", func(context.Context) (string, error) { return in.Event.Data.UserID, nil })
	}, flow.Concurrency(1, flow.Key("event.data.userId")))
	e := inngesttest.Virtual(t)
	e.Register(render)
	e.Step("render").Takes(time.Minute)
	e.Send(userCreated.New(User{UserID: "a"}), userCreated.New(User{UserID: "a"}), userCreated.New(User{UserID: "b"}))
	e.Drain()
	require.Equal(t, 2*time.Minute, e.Elapsed()) // a and b at the same time, then a again
}

func TestReport(t *testing.T) {
	report := inngestkit.OnCron("report", "0 9 * * 1", func(_ context.Context, in inngestkit.CronInput) (string, error) {
		return in.Event.Data.ScheduledAt.Format(time.DateOnly), nil
	})
	e := inngesttest.Virtual(t, inngesttest.StartAt(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)))
	e.Register(report)
	e.Advance(365 * 24 * time.Hour)
	require.Len(t, e.Runs(report), 52)
}

func TestHandler(t *testing.T) {
	ctx := inngesttest.StepContext(t)
	sent, err := newShop().welcome(ctx, inngesttest.Input(t, userCreated.New(User{UserID: "u1", Email: "ann@example.com"})))
	require.NoError(t, err)
	require.True(t, sent.EmailSent)
	require.Equal(t, "send-welcome-email", inngesttest.Steps(ctx)[0].ID)
}

func TestHandlerFails(t *testing.T) {
	ctx := inngesttest.StepContext(t, inngesttest.Step("send-welcome-email").Fails(errMailDown))
	_, err := newShop().welcome(ctx, inngesttest.Input(t, userCreated.New(User{UserID: "u1"})))

	failed, ok := errors.AsType[step.Error](err) // as in production: the message is left, the type is not
	require.True(t, ok)
	require.Equal(t, "email service unavailable", failed.Message)
	require.NotErrorIs(t, err, errMailDown)
	require.Len(t, inngesttest.Steps(ctx), 1)
}

func TestHandlerWaits(t *testing.T) {
	in := inngesttest.Input(t, expenseFiled.New(Expense{ExpenseID: "x1"}))
	ctx := inngesttest.StepContext(t, inngesttest.Step("approval").Receives(expenseApproved.New(Approval{"x1", "ann"})))
	got, err := approveExpense(ctx, in)
	require.NoError(t, err)
	require.Equal(t, "approved by ann", got)

	got, err = approveExpense(inngesttest.StepContext(t, inngesttest.Step("approval").TimesOut()), in)
	require.NoError(t, err)
	require.Equal(t, "expired", got)
}

func TestCreate(t *testing.T) {
	recorder := inngesttest.NewRecorder(t)
	users := &Users{app: recorder.App()}
	require.NoError(t, users.Create(t.Context(), "test@example.com"))
	require.Equal(t, "test@example.com", inngesttest.RequireEvents(recorder, userCreated, 1)[0].Data.Email)

	recorder.Clear()
	recorder.FailNext(1, http.StatusUnauthorized)
	require.Error(t, users.Create(t.Context(), "test@example.com"))
	recorder.RequireNothing()
}

func TestOnBoth(t *testing.T) {
	for name, target := range inngesttest.Targets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := target(t)
			env.Register(approve)
			run := inngesttest.Start(env, approve, Expense{ExpenseID: "x1"})
			run.Reach("approval")
			env.Send(expenseApproved.New(Approval{ExpenseID: "x1", By: "ann"}))
			require.Equal(t, "approved by ann", run.Wait().Output())
		})
	}
}
