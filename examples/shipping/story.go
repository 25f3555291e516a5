package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/inngestkit/inngestkit/examples/internal/demo"
	"github.com/inngestkit/inngestkit/examples/shipping/fulfillment"
	"github.com/inngestkit/inngestkit/examples/shipping/notifications"
	"github.com/inngestkit/inngestkit/examples/shipping/orders"
)

// program orders something. Your application does not need it.
var program = demo.Program{
	Name:     "shipping",
	About:    "Four services on Fiber, each an app of its own, ship orders. They know each other only by events.",
	Services: services(),
	Story:    story,
}

func story(ctx context.Context, v *demo.Visitor) error {
	if err := v.Do(ctx, inventoryApp, http.MethodPut, "/stock/book", `{"count":2}`, nil); err != nil {
		return err
	}
	v.Say("I order a book, which the warehouse will not pack.")
	notPacked, err := pay(ctx, v, 1)
	if err != nil {
		return err
	}
	v.Say("I order another one. The event of my payment goes through all services.")
	if err := ship(ctx, v); err != nil {
		return err
	}
	v.Say("I order nine books, which are not in stock.")
	tooMany, err := pay(ctx, v, 9)
	if err != nil {
		return err
	}
	if err := awaitStatus(ctx, v, tooMany, "rejected"); err != nil {
		return err
	}
	v.Say("I wait for the first book.")
	if err := awaitStatus(ctx, v, notPacked, "released"); err != nil {
		return err
	}
	return v.Do(ctx, inventoryApp, http.MethodGet, "/stock/book", "", nil)
}

// ship orders a book, and packs it in the warehouse.
func ship(ctx context.Context, v *demo.Visitor) error {
	order, err := pay(ctx, v, 1)
	if err != nil {
		return err
	}
	var list fulfillment.PickList
	path := "/pick-lists/" + order
	if err := v.Await(ctx, fulfillmentApp, path, &list, func() bool { return list.Printed }); err != nil {
		return err
	}
	if err := v.Do(ctx, fulfillmentApp, http.MethodPost, path+"/packed", "", nil); err != nil {
		return err
	}
	var told notifications.List
	path = "/notifications/" + order
	if err := v.Await(ctx, notificationsApp, path, &told, func() bool { return len(told.Sent) == 2 }); err != nil {
		return err
	}
	return awaitStatus(ctx, v, order, "shipped")
}

// pay orders books and pays for them. It returns the ID of the order.
func pay(ctx context.Context, v *demo.Visitor, books int) (orderID string, err error) {
	body := fmt.Sprintf(`{"customer":{"name":"Ada","email":"ada@example.com","phone":"555-0100"},
		"address":"1 Main St","items":{"book":%d}}`, books)
	var placed struct{ OrderID string }
	if err := v.Do(ctx, ordersApp, http.MethodPost, "/orders", body, &placed); err != nil {
		return "", err
	}
	path := "/orders/" + placed.OrderID + "/payments"
	return placed.OrderID, v.Do(ctx, ordersApp, http.MethodPost, path, `{"paymentId":"p1","cents":2100}`, nil)
}

// awaitStatus waits until an order has a status.
func awaitStatus(ctx context.Context, v *demo.Visitor, orderID, status string) error {
	var seen orders.Status
	return v.Await(ctx, ordersApp, "/orders/"+orderID, &seen, func() bool {
		return len(seen.Statuses) > 0 && strings.HasPrefix(seen.Statuses[len(seen.Statuses)-1], status)
	})
}
