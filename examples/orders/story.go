package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/inngestkit/inngestkit/examples/internal/demo"
)

// appID is the only service of this example.
const appID = "orders"

// program places orders in the shop. Your application does not need it.
var program = demo.Program{
	Name:     appID,
	About:    "An Echo app takes orders from payment to fulfilment, and takes back what fails or is cancelled.",
	Services: map[string]demo.Service{appID: serve},
	Story:    story,
}

func story(ctx context.Context, v *demo.Visitor) error {
	if err := v.Do(ctx, appID, http.MethodPut, "/stock/book", `{"count":3,"cents":2100}`, nil); err != nil {
		return err
	}
	for _, p := range []part{
		{say: "The bank charges, but its first response is lost.", token: tokenLost, want: StatusConfirmed},
		{say: "The warehouse cannot deliver: everything is taken back, in reverse order.", address: nowhere, want: StatusFailed},
		{say: "The card is declined, which is not retried.", token: tokenDeclined, want: StatusFailed},
		{say: "The customer cancels while the bank is slow.", token: tokenSlow, cancel: "too slow", want: StatusCancelled},
	} {
		v.Say(p.say)
		if err := p.order(ctx, v); err != nil {
			return err
		}
	}
	return v.Do(ctx, appID, http.MethodGet, "/stock/book", "", nil)
}

// A part of the story is an order that ends with the status want.
type part struct{ say, token, address, cancel, want string }

// order places the order, cancels it if there is a reason, and waits for its end.
func (p part) order(ctx context.Context, v *demo.Visitor) error {
	body := fmt.Sprintf(`{"customerId":"c1","email":"ada@example.com","address":%q,"items":{"book":1},"paymentToken":%q}`,
		cmp.Or(p.address, "1 Main St"), cmp.Or(p.token, "tok_visa"))
	var placed, cancelled struct{ OrderID, EventID string }
	if err := v.Do(ctx, appID, http.MethodPost, "/orders", body, &placed); err != nil {
		return err
	}
	path := "/orders/" + placed.OrderID
	var seen orderView
	if p.cancel != "" {
		if err := v.Await(ctx, appID, path, &seen, func() bool { return seen.Status == StatusPaying }); err != nil {
			return err
		}
		reason := fmt.Sprintf(`{"reason":%q}`, p.cancel)
		if err := v.Do(ctx, appID, http.MethodPost, path+"/cancel", reason, &cancelled); err != nil {
			return err
		}
	}
	if err := v.Await(ctx, appID, path, &seen, func() bool { return seen.Status == p.want }); err != nil {
		return err
	}
	return v.AwaitEnd(ctx, placed.EventID, cancelled.EventID)
}
