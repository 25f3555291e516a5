package flow_test

import (
	"context"
	"fmt"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
)

type Order struct {
	OrderID    string `json:"orderId"`
	Plan       string `json:"plan"`
	CustomerID string `json:"customerId"`
}

var (
	orderPlaced    = inngestkit.DefineEvent[Order]("order/placed")
	orderCancelled = inngestkit.DefineEvent[Order]("order/cancelled")
)

func fulfil(context.Context, inngestkit.Input[Order]) (string, error) { return "fulfilled", nil }

// registered registers a function with options. It returns the functions of the app, or
// the error.
func registered(options ...inngestkit.Option) any {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		return err
	}
	if err := app.Register(inngestkit.OnEvent("fulfil", orderPlaced, fulfil, options...)); err != nil {
		return err
	}
	return app.FunctionIDs()
}

// App.Register checks all options of a function.
func Example() {
	fmt.Println(registered(
		flow.Retries(2),
		flow.Concurrency(10),
		flow.Concurrency(1, flow.Key("event.data.orderId")),
		flow.Throttle(100, time.Minute, flow.Burst(20)),
		flow.CancelOn(orderCancelled, flow.Match("data.orderId")),
		flow.FinishTimeout(24*time.Hour),
	))
	fmt.Println(registered(
		flow.Retries(50),
		flow.BatchEvents(1, time.Second),
		flow.Priority("120"),
	))
	// Output:
	// [fulfil]
	// inngestkit: function "fulfil": Retries 50 is out of range; it must be at least 0 and at most 20
	// inngestkit: function "fulfil": BatchEvents.MaxSize 1 is out of range; a batch has at least 2 events
	// inngestkit: function "fulfil": BatchEvents 1 cannot be combined with Priority: the server refuses functions with both; leave out one of them
}

// The same options as a struct.
func ExampleConfig() {
	fmt.Println(registered(flow.Config{
		Retries:       new(2),
		Concurrency:   []flow.ConcurrencyConfig{{Limit: 10}, {Limit: 1, Key: "event.data.orderId"}},
		Throttle:      &flow.ThrottleConfig{Limit: 100, Period: time.Minute, Burst: 20},
		CancelOn:      []flow.CancelOnConfig{{Event: orderCancelled, Match: "data.orderId"}},
		FinishTimeout: 24 * time.Hour,
	}))
	// An option in the struct and the same option outside it count as given twice.
	fmt.Println(registered(flow.Config{Retries: new(2)}, flow.Retries(3)))
	// Output:
	// [fulfil]
	// inngestkit: function "fulfil": Retries 3 is given twice; give it once
}

func ExampleRetries() {
	fmt.Println(registered(flow.Retries(0))) // one attempt only
	// Output: [fulfil]
}

func ExampleConcurrency() {
	fmt.Println(registered(flow.Concurrency(10)))
	// One order of each customer at a time.
	fmt.Println(registered(flow.Concurrency(10), flow.Concurrency(1, flow.Key("event.data.customerId"))))
	// Output:
	// [fulfil]
	// [fulfil]
}

// All functions in the account that call the same API share one limit.
func ExampleScope() {
	fmt.Println(registered(flow.Concurrency(5, flow.Scope(flow.ScopeAccount), flow.Key(`"carrier-api"`))))
	fmt.Println(registered(flow.Concurrency(5, flow.Scope(flow.ScopeAccount))))
	// Output:
	// [fulfil]
	// inngestkit: function "fulfil": Concurrency.Scope "account" needs a Key by which functions share the limit, for example Key("\"openai\"")
}

func ExampleFnConcurrency() {
	fmt.Println(registered(flow.FnConcurrency(3, flow.Key("event.data.customerId"))))
	// Output: [fulfil]
}

func ExampleRateLimit() {
	fmt.Println(registered(flow.RateLimit(1, time.Hour, flow.Key("event.data.customerId"))))
	fmt.Println(registered(flow.RateLimit(1, 48*time.Hour)))
	// Output:
	// [fulfil]
	// inngestkit: function "fulfil": RateLimit.Period "48h0m0s" is out of range; it must be at least 1s and at most 24h0m0s
}

func ExampleThrottle() {
	fmt.Println(registered(flow.Throttle(1, time.Second)))
	// Output: [fulfil]
}

func ExampleBurst() {
	fmt.Println(registered(flow.Throttle(60, time.Minute, flow.Burst(10))))
	// Output: [fulfil]
}

func ExampleDebounce() {
	fmt.Println(registered(flow.Debounce(5*time.Second, flow.Key("event.data.orderId"))))
	// Output: [fulfil]
}

// The function runs at least once a minute, however often the order changes.
func ExampleTimeout() {
	fmt.Println(registered(flow.Debounce(5*time.Second, flow.Timeout(time.Minute))))
	// The order can be cancelled for one hour.
	fmt.Println(registered(flow.CancelOn(orderCancelled, flow.Match("data.orderId"), flow.Timeout(time.Hour))))
	// Output:
	// [fulfil]
	// [fulfil]
}

// The function gets up to 100 orders in in.Events.
func ExampleBatchEvents() {
	fmt.Println(registered(flow.BatchEvents(100, 5*time.Second)))
	fmt.Println(registered(flow.BatchEvents(100, 5*time.Second), flow.RateLimit(1, time.Minute)))
	// Output:
	// [fulfil]
	// inngestkit: function "fulfil": BatchEvents 100 cannot be combined with RateLimit: it would not limit batches; leave out one of them
}

// Orders of the free plan wait for a batch; others run at once.
func ExampleIf() {
	fmt.Println(registered(flow.BatchEvents(100, 5*time.Second, flow.If("event.data.plan == 'free'"))))
	fmt.Println(registered(flow.CancelOn(orderCancelled, flow.If("async.data.orderId == event.data.orderId && async.data.plan == 'free'"))))
	// Output:
	// [fulfil]
	// [fulfil]
}

func ExamplePriority() {
	fmt.Println(registered(flow.Priority("event.data.plan == 'pro' ? 120 : 0")))
	// Output: [fulfil]
}

func ExampleIdempotency() {
	fmt.Println(registered(flow.Idempotency("event.data.orderId")))
	// Output: [fulfil]
}

func ExampleSingleton() {
	fmt.Println(registered(flow.Singleton(flow.SingletonCancel, flow.Key("event.data.orderId"))))
	// Output: [fulfil]
}

func ExampleCancelOn() {
	fmt.Println(registered(
		flow.CancelOn(orderCancelled, flow.Match("data.orderId")),
		flow.CancelOn(flow.EventNamed("shop/closed")),
	))
	// Output: [fulfil]
}

func ExampleMatch() {
	fmt.Println(registered(flow.CancelOn(orderCancelled, flow.Match("data.orderId"))))
	fmt.Println(registered(flow.CancelOn(orderCancelled, flow.Match("event.data.orderId"))))
	// Output:
	// [fulfil]
	// inngestkit: function "fulfil": CancelOn.Match "event.data.orderId" is a path in both events; leave out "event."
}

func ExampleEventNamed() {
	fmt.Println(registered(flow.CancelOn(flow.EventNamed("shop/closed"))))
	// Output: [fulfil]
}

func ExampleKey() {
	fmt.Println(registered(flow.Throttle(1, time.Second, flow.Key("event.data.customerId"))))
	// Output: [fulfil]
}

func ExampleStartTimeout() {
	fmt.Println(registered(flow.Concurrency(1), flow.StartTimeout(10*time.Minute)))
	// Output: [fulfil]
}

func ExampleFinishTimeout() {
	fmt.Println(registered(flow.FinishTimeout(time.Hour)))
	// Output: [fulfil]
}

func ExampleCheckpoint() {
	fmt.Println(registered(flow.Checkpoint()))
	// Output: [fulfil]
}

func ExampleBatchSteps() {
	fmt.Println(registered(flow.Checkpoint(flow.BatchSteps(10), flow.BatchInterval(3*time.Second))))
	// Output: [fulfil]
}

func ExampleBatchInterval() {
	fmt.Println(registered(flow.Checkpoint(flow.BatchSteps(10), flow.BatchInterval(3*time.Second))))
	// Output: [fulfil]
}

func ExampleMaxRuntime() {
	fmt.Println(registered(flow.Checkpoint(flow.MaxRuntime(time.Minute))))
	// Output: [fulfil]
}
