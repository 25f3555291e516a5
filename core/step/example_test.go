package step_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

type Order struct {
	ID     string `json:"id"`
	Amount int    `json:"amount"`
}

type Receipt struct {
	Number string `json:"number"`
}

var (
	ordered   = inngestkit.DefineEvent[Order]("order/placed")
	paid      = inngestkit.DefineEvent[Order]("order/paid")
	delivered = inngestkit.DefineEvent[Order]("order/delivered")
)

func charge(_ context.Context, order Order) (Receipt, error) {
	return Receipt{Number: "R-" + order.ID}, nil
}

// Outside a function, Run calls its callback at once. A handler that only has such steps
// can be tested like any other Go function.
func ExampleRun() {
	handle := func(ctx context.Context, in inngestkit.Input[Order]) (Receipt, error) {
		receipt, err := step.Run(ctx, "charge", func(ctx context.Context) (Receipt, error) {
			return charge(ctx, in.Event.Data)
		})
		if failed, ok := errors.AsType[step.Error](err); ok { // no attempts left
			fmt.Println("not charged:", failed.Message)
		}
		return receipt, err
	}
	_ = inngestkit.OnEvent("charge-order", ordered, handle)

	in := inngestkit.Input[Order]{Event: ordered.New(Order{ID: "o1", Amount: 20})}
	fmt.Println(handle(context.Background(), in))
	// Output: {R-o1} <nil>
}

// NoRetry and RetryAfter determine whether and when the server retries the step.
func ExampleRun_errors() {
	_, err := step.Run(context.Background(), "charge", func(context.Context) (Receipt, error) {
		return Receipt{}, inngestkit.NoRetry(errors.New("the card has expired"))
	})
	fmt.Println(err)
	_, err = step.Run(context.Background(), "charge", func(context.Context) (Receipt, error) {
		return Receipt{}, inngestkit.RetryAfter(errors.New("the bank is closed"), time.Hour)
	})
	fmt.Println(err)
	// Output:
	// the card has expired
	// the bank is closed
}

func ExampleSleep() {
	remind := inngestkit.OnEvent("remind", ordered, func(ctx context.Context, in inngestkit.Input[Order]) (string, error) {
		step.Sleep(ctx, "a week", 7*24*time.Hour) // the app may be restarted meanwhile
		return step.Run(ctx, "send", func(context.Context) (string, error) {
			return "how was " + in.Event.Data.ID + "?", nil
		})
	})
	show(remind)
	// Output: [remind]
}

func ExampleSleepUntil() {
	show(inngestkit.OnEvent("ship-at-nine", ordered, func(ctx context.Context, _ inngestkit.Input[Order]) (string, error) {
		tomorrow := time.Now().UTC().AddDate(0, 0, 1)
		step.SleepUntil(ctx, "nine", time.Date(tomorrow.Year(), tomorrow.Month(), tomorrow.Day(), 9, 0, 0, 0, time.UTC))
		return "shipped", nil
	}))
	// Output: [ship-at-nine]
}

func ExampleWaitForEvent() {
	show(inngestkit.OnEvent("await-payment", ordered, func(ctx context.Context, _ inngestkit.Input[Order]) (string, error) {
		payment, err := step.WaitForEvent(ctx, "payment", paid,
			step.Timeout(3*24*time.Hour),
			step.Match("data.id"),
			step.If("async.data.amount >= event.data.amount"),
		)
		if errors.Is(err, step.ErrTimeout) {
			return "cancelled", nil
		}
		return fmt.Sprint("paid ", payment.Data.Amount), err
	}))
	// Output: [await-payment]
}

// App.SendSignal sends the signal, for example when somebody clicks a link that contains the
// ID of the order.
func ExampleWaitForSignal() {
	show(inngestkit.OnEvent("await-approval", ordered, func(ctx context.Context, in inngestkit.Input[Order]) (string, error) {
		type Approval struct {
			By string `json:"by"`
		}
		approval, err := step.WaitForSignal[Approval](ctx, "approval", "approve/"+in.Event.Data.ID,
			step.Timeout(24*time.Hour), step.Replace())
		if errors.Is(err, step.ErrTimeout) {
			return "nobody approved", nil
		}
		return "approved by " + approval.By, err
	}))
	// Output: [await-approval]
}

func ExampleSendEvent() {
	show(inngestkit.OnEvent("hand-over", ordered, func(ctx context.Context, in inngestkit.Input[Order]) ([]string, error) {
		return step.SendEvent(ctx, "announce", paid.New(in.Event.Data), delivered.New(in.Event.Data))
	}))
	// Output: [hand-over]
}

// The compiler checks the data and the result of the invoked function.
func ExampleInvoke() {
	chargeOrder := inngestkit.OnEvent("charge-order", ordered, func(ctx context.Context, in inngestkit.Input[Order]) (Receipt, error) {
		return charge(ctx, in.Event.Data)
	})
	// A function of another app: the compiler relies on the types given here.
	ship := inngestkit.Ref[Order, string]{AppID: "warehouse", FunctionID: "ship"}

	show(chargeOrder, inngestkit.OnEvent("handle-order", ordered, func(ctx context.Context, in inngestkit.Input[Order]) (string, error) {
		receipt, err := step.Invoke(ctx, "charge", chargeOrder, in.Event.Data)
		if err != nil {
			return "", err
		}
		parcel, err := step.Invoke(ctx, "ship", ship, in.Event.Data, step.Timeout(time.Hour))
		if errors.Is(err, step.ErrTimeout) {
			return receipt.Number + ", to be shipped", nil
		}
		return receipt.Number + " " + parcel, err
	}))
	// Output: [charge-order handle-order]
}

func ExampleParallel() {
	handle := func(ctx context.Context, in inngestkit.Input[Order]) (string, error) {
		var receipt Receipt
		var stock int
		err := step.Parallel(ctx,
			step.Into(&receipt, "charge", func(ctx context.Context) (Receipt, error) { return charge(ctx, in.Event.Data) }),
			step.Into(&stock, "count", func(context.Context) (int, error) { return 7, nil }),
		)
		return fmt.Sprintf("%s, %d left", receipt.Number, stock), err
	}
	_ = inngestkit.OnEvent("handle-order", ordered, handle)

	fmt.Println(handle(context.Background(), inngestkit.Input[Order]{Event: ordered.New(Order{ID: "o1"})}))
	// Output: R-o1, 7 left <nil>
}

// A branch with several steps is a function that assigns its result to a variable.
func ExampleParallel_severalSteps() {
	handle := func(ctx context.Context, in inngestkit.Input[Order]) (string, error) {
		var receipt Receipt
		var parcel string
		pay := func(ctx context.Context) (err error) {
			if _, err = step.Run(ctx, "reserve", func(context.Context) (bool, error) { return true, nil }); err != nil {
				return err
			}
			receipt, err = step.Run(ctx, "charge", func(ctx context.Context) (Receipt, error) { return charge(ctx, in.Event.Data) })
			return err
		}
		err := step.Parallel(ctx, pay,
			step.Into(&parcel, "pack", func(context.Context) (string, error) { return "P-1", nil }))
		return receipt.Number + ", " + parcel, err
	}
	_ = inngestkit.OnEvent("handle-order", ordered, handle)

	fmt.Println(handle(context.Background(), inngestkit.Input[Order]{Event: ordered.New(Order{ID: "o1"})}))
	// Output: R-o1, P-1 <nil>
}

// The branch of one step assigns its result to a variable.
func ExampleInto() {
	var receipt Receipt
	err := step.Parallel(context.Background(),
		step.Into(&receipt, "charge", func(ctx context.Context) (Receipt, error) { return charge(ctx, Order{ID: "o1"}) }))
	fmt.Println(receipt.Number, err)
	// Output: R-o1 <nil>
}

func ExampleMap() {
	type Basket struct {
		Orders []Order `json:"orders"`
	}
	handle := func(ctx context.Context, in inngestkit.Input[Basket]) ([]Receipt, error) {
		return step.Map(ctx, "charge", in.Event.Data.Orders, charge)
	}
	paid := inngestkit.DefineEvent[Basket]("basket/paid")
	_ = inngestkit.OnEvent("charge-basket", paid, handle)

	basket := Basket{Orders: []Order{{ID: "o1"}, {ID: "o2"}}}
	fmt.Println(handle(context.Background(), inngestkit.Input[Basket]{Event: paid.New(basket)}))
	// Output: [{R-o1} {R-o2}] <nil>
}

// The server makes the request. The app does not run while it waits for the response.
func ExampleFetch() {
	show(inngestkit.OnEvent("look-up-tax", ordered, func(ctx context.Context, in inngestkit.Input[Order]) (int, error) {
		response, err := step.Fetch(ctx, "tax", step.FetchRequest{
			Method: "POST",
			URL:    "https://tax.example.com/rates",
			Header: map[string]string{"Content-Type": "application/json"},
			Body:   fmt.Sprintf(`{"amount": %d}`, in.Event.Data.Amount),
		})
		if err != nil {
			return 0, err
		}
		if response.StatusCode != 200 {
			return 0, fmt.Errorf("no tax rate: status %d", response.StatusCode)
		}
		var rate struct {
			Percent int `json:"percent"`
		}
		return rate.Percent, response.Decode(&rate)
	}))
	// Output: [look-up-tax]
}

func ExampleFetchResponse_Decode() {
	var rate struct {
		Percent int `json:"percent"`
	}
	err := step.FetchResponse{StatusCode: 200, Body: `{"percent": 19}`}.Decode(&rate)
	fmt.Println(rate.Percent, err)
	// Output: 19 <nil>
}

// Infer takes a request of the model's API and decodes the response into any type that
// encoding/json can decode.
func ExampleInfer() {
	type Completion struct {
		Choices []struct {
			Message struct {
				Content string `json:"content"`
			} `json:"message"`
		} `json:"choices"`
	}
	show(inngestkit.OnEvent("write-thanks", ordered, func(ctx context.Context, in inngestkit.Input[Order]) (string, error) {
		completion, err := step.Infer[Completion](ctx, "thanks", step.InferRequest{
			URL:     "https://api.openai.com/v1/chat/completions",
			Format:  step.FormatOpenAIChat,
			AuthKey: "sk-…",
			Body: map[string]any{
				"model":    "gpt-4o-mini",
				"messages": []map[string]string{{"role": "user", "content": "Thank for order " + in.Event.Data.ID}},
			},
		})
		if err != nil || len(completion.Choices) == 0 {
			return "Thank you!", err
		}
		return completion.Choices[0].Message.Content, nil
	}))
	// Output: [write-thanks]
}

// show registers functions and prints their IDs.
func show(functions ...inngestkit.Function) {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err == nil {
		err = app.Register(functions...)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stdout, err)
		return
	}
	_, _ = fmt.Fprintln(os.Stdout, app.FunctionIDs())
}
