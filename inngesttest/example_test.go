package inngesttest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// t is the test of the examples.
var t = exampleTB{}

func ExampleRun() {
	welcome := inngestkit.OnEvent("welcome", signedUp, func(ctx context.Context, in inngestkit.Input[user]) (string, error) {
		return step.Run(ctx, "greet", func(context.Context) (string, error) { return "welcome, " + in.Event.Data.ID, nil })
	})

	fmt.Println(inngesttest.Run(t, welcome, user{ID: "u1"}).Output())
	// Output: welcome, u1
}

func ExampleVirtual() {
	remind := inngestkit.OnEvent("remind", ordered, func(ctx context.Context, in inngestkit.Input[order]) (string, error) {
		step.Sleep(ctx, "a week", 7*24*time.Hour)
		return "reminded of " + in.Event.Data.ID, nil
	}, flow.CancelOn(approved, flow.If("async.data.orderId == event.data.id")))

	e := inngesttest.Virtual(t)
	e.Register(remind)
	first := inngesttest.Start(e, remind, order{ID: "o1"})
	second := inngesttest.Start(e, remind, order{ID: "o2"})
	e.Advance(2 * 24 * time.Hour)
	e.Send(approved.New(approval{OrderID: "o1", By: "ann"}))
	e.Drain()

	fmt.Println(first.Status())
	fmt.Println(second.Output(), "after", e.Elapsed())
	// Output:
	// Cancelled
	// reminded of o2 after 168h0m0s
}

func ExampleEngine_Step() {
	e := inngesttest.Virtual(t)
	e.Register(checkout)
	e.Step("charge").Fails(errors.New("gateway down")).Times(2)
	e.Step("ship").Fails(inngestkit.NoRetry(errors.New("no stock")))

	run := inngesttest.Start(e, checkout, order{ID: "o1"}).Wait()
	fmt.Println(run.Output())
	fmt.Println(run.Step("charge").Attempts, "attempts to charge")
	fmt.Println(run.Step("ship").Err)
	// Output:
	// refunded charge-1
	// 3 attempts to charge
	// no stock
}

func ExampleEngine_Mock() {
	charge := inngestkit.Ref[order, receipt]{AppID: "billing", FunctionID: "charge"}
	pay := inngestkit.OnEvent("pay", ordered, func(ctx context.Context, in inngestkit.Input[order]) (string, error) {
		paid, err := step.Invoke(ctx, "charge", charge, in.Event.Data)
		return paid.ID, err
	})

	e := inngesttest.Virtual(t)
	e.Register(pay)
	e.Mock("billing-charge", func(data json.RawMessage) (any, error) {
		fmt.Println("billing gets", string(data))
		return receipt{ID: "r1"}, nil
	})
	fmt.Println(inngesttest.Start(e, pay, order{ID: "o1", Amount: 3}).Wait().Output())
	// Output:
	// billing gets {"amount":3,"id":"o1"}
	// r1
}

func ExampleEngine_AdvanceTo() {
	report := inngestkit.OnCron("report", "0 9 * * 1", func(_ context.Context, in inngestkit.CronInput) (string, error) {
		return "report of " + in.Event.Data.ScheduledAt.Format(time.DateOnly), nil
	})

	e := inngesttest.Virtual(t, inngesttest.StartAt(time.Date(2031, 6, 1, 0, 0, 0, 0, time.UTC)))
	e.Register(report)
	e.AdvanceTo(time.Date(2031, 6, 16, 12, 0, 0, 0, time.UTC))
	for _, run := range e.Runs(report) {
		fmt.Println(string(run.OutputJSON()))
	}
	// Output:
	// "report of 2031-06-02"
	// "report of 2031-06-09"
	// "report of 2031-06-16"
}

func ExampleEventsOf() {
	place := inngestkit.OnEvent("place", ordered, func(ctx context.Context, in inngestkit.Input[order]) (any, error) {
		_, err := step.SendEvent(ctx, "ship", shipped.New(in.Event.Data))
		return nil, err
	})

	e := inngesttest.Virtual(t)
	e.Register(place)
	e.Send(ordered.New(order{ID: "o1"}), ordered.New(order{ID: "o2"}))
	for _, event := range inngesttest.EventsOf(e, shipped) {
		fmt.Println(event.Name, event.Data.ID)
	}
	// Output:
	// shop/order.shipped o1
	// shop/order.shipped o2
}

func ExampleFunctionRun_Timeline() {
	e := inngesttest.Virtual(t, inngesttest.NoJitter())
	e.Register(checkout)
	e.Step("charge").Fails(errors.New("gateway down")).Once()

	run := inngesttest.Start(e, checkout, order{ID: "o1"}).Wait()
	_, rows, _ := strings.Cut(run.Timeline(), "\n") // the first line has the ID of the run
	fmt.Print(rows)
	// Output:
	//   time  call  step    attempt  outcome
	//   +0s   1     charge  1/5      error: gateway down
	//   +0s   1     –       1/5      attempt 2 of 5 in 15s
	//   +15s  2     charge  2/5      ok {"data":"charge-1"}
	//   +15s  3     ship    1/5      ok {"data":"parcel-1"}
	//   +15s  4     –       1/5      returned "shipped o1"
}

// exampleTB is the test of examples, which have none.
type exampleTB struct{ testing.TB }

func (exampleTB) Helper()                  {}
func (exampleTB) Cleanup(func())           {}
func (exampleTB) Context() context.Context { return context.Background() }
func (exampleTB) Failed() bool             { return false }
func (exampleTB) Log(...any)               {}
func (exampleTB) Logf(string, ...any)      {}
func (exampleTB) Fatal(args ...any)        { panic(fmt.Sprint(args...)) }
func (exampleTB) Error(args ...any)        { panic(fmt.Sprint(args...)) }

func (exampleTB) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
