package main

import (
	"context"
	"errors"
	"fmt"
	"go/build"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/examples/internal/database/databasetest"
	"github.com/inngestkit/inngestkit/examples/shipping/chassis"
	"github.com/inngestkit/inngestkit/examples/shipping/events"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// A world has the four services, each an app with a database of its own, on an engine.
type world struct {
	*inngesttest.Engine

	routers map[string]*fiber.App
}

// newWorld returns a world with two books in stock.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Engine: inngesttest.Virtual(t), routers: map[string]*fiber.App{}}
	for id, part := range parts(24 * time.Hour) {
		app, err := inngestkit.New(inngestkit.Config{AppID: id, Dev: true})
		require.NoError(t, err)
		service := part.build(databasetest.New(t, part.schema))
		require.NoError(t, app.Register(service.Functions()...))
		w.Serve(app)
		w.routers[id] = chassis.NewRouter(app, service)
	}
	w.request(t, inventoryApp, http.MethodPut, "/stock/book", `{"count":2}`, http.StatusOK)
	return w
}

// request returns the response of a service.
func (w *world) request(t *testing.T, service, method, path, body string, status int) string {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.routers[service].Test(req, fiber.TestConfig{})
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	var out strings.Builder
	require.NoError(t, resp.Write(&out))
	_, text, _ := strings.Cut(out.String(), "\r\n\r\n")
	require.Equal(t, status, resp.StatusCode, text)
	return text
}

// order orders books and pays for them. It returns the ID of the order.
func (w *world) order(t *testing.T, books int) (orderID string) {
	t.Helper()
	body := fmt.Sprintf(`{"customer":{"name":"Ada","email":"ada@example.com","phone":"555-0100"},"address":"here","items":{"book":%d}}`, books)
	placed := w.request(t, ordersApp, http.MethodPost, "/orders", body, http.StatusCreated)
	orderID = strings.Split(placed, `"`)[3]
	w.Send(events.PaymentCompleted.New(events.Payment{OrderID: orderID, PaymentID: "p1", Cents: 2100}))
	return orderID
}

func (w *world) requireStatuses(t *testing.T, orderID string, statuses ...string) {
	t.Helper()
	require.JSONEq(t, `{"statuses":["`+strings.Join(statuses, `","`)+`"]}`,
		w.request(t, ordersApp, http.MethodGet, "/orders/"+orderID, "", http.StatusOK))
}

func (w *world) requireStock(t *testing.T, count int) {
	t.Helper()
	require.JSONEq(t, fmt.Sprintf(`{"count":%d}`, count), w.request(t, inventoryApp, http.MethodGet, "/stock/book", "", http.StatusOK))
}

// One payment goes through the four apps.
func TestShipping(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.order(t, 1)
	require.JSONEq(t, `{"printed":false}`, w.request(t, fulfillmentApp, http.MethodGet, "/pick-lists/"+id, "", http.StatusOK))
	w.Advance(3 * time.Hour)
	w.requireStatuses(t, id, "paid: p1", "reserved: reservation-"+id)
	require.JSONEq(t, `{"printed":true}`, w.request(t, fulfillmentApp, http.MethodGet, "/pick-lists/"+id, "", http.StatusOK))

	w.Send(events.WarehousePacked.New(events.Packed{OrderID: "another"}), events.WarehousePacked.New(events.Packed{OrderID: id}))
	w.Drain()
	w.requireStatuses(t, id, "paid: p1", "reserved: reservation-"+id, "shipped: 1Z-"+id)
	w.requireStock(t, 1)
	require.JSONEq(t, `{"sent":["mail to ada@example.com","sms to 555-0100"]}`,
		w.request(t, notificationsApp, http.MethodGet, "/notifications/"+id, "", http.StatusOK))
	require.Empty(t, w.Failed())
	require.Len(t, w.Runs(nil), 6)
}

// What is not in stock is not reserved, and nothing of the order is.
func TestNotInStock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.order(t, 3)
	w.Drain()
	w.requireStatuses(t, id, "paid: p1", "rejected: 3 of book: not in stock")
	w.requireStock(t, 2)
	require.Empty(t, w.Failed())
}

// What the warehouse does not pack in time goes back into stock.
func TestNotPacked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.order(t, 2)
	w.Drain()
	require.Equal(t, 24*time.Hour, w.Elapsed())
	w.requireStatuses(t, id, "paid: p1", "reserved: reservation-"+id, "not shipped: not packed within 24h0m0s", "released: reservation-"+id)
	w.requireStock(t, 2)
	require.Empty(t, w.Failed())
}

// The response of each step with an effect is lost once. Every step runs again, and nothing
// happens twice.
func TestStepsRepeat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lost := func(ctx context.Context, in inngesttest.StepInput) (any, error) {
		_, err := in.Callback(ctx)
		return nil, errors.Join(err, errors.New("the response is lost"))
	}
	for _, step := range []string{
		"update-order-payment-status", "check-and-reserve", "update-order-inventory-status", "create-fulfillment",
		"ship-order", "update-order-shipping-status", "send-email", "send-sms",
	} {
		w.Step(step).Does(lost).Once()
	}
	id := w.order(t, 1)
	w.Advance(time.Hour)
	w.Send(events.WarehousePacked.New(events.Packed{OrderID: id}))
	w.Drain()
	w.requireStatuses(t, id, "paid: p1", "reserved: reservation-"+id, "shipped: 1Z-"+id)
	w.requireStock(t, 1)
	require.Empty(t, w.Failed())

	// The release, too.
	w.Step("release-reservation").Does(lost).Once()
	second := w.order(t, 1)
	w.Drain()
	w.requireStatuses(t, second, "paid: p1", "reserved: reservation-"+second, "not shipped: not packed within 24h0m0s",
		"released: reservation-"+second)
	w.requireStock(t, 1)
}

// If the text message fails, it is sent again, and the mail is not.
func TestNotifications(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Step("send-sms").Fails(errors.New("no network"))
	w.Send(confirmation("o1"))
	w.Drain()
	require.Len(t, w.Failed(), 1)
	require.Equal(t, 5, w.Failed()[0].Step("send-sms").Attempts)
	require.Equal(t, 1, w.Failed()[0].Step("send-email").Attempts)
	require.JSONEq(t, `{"sent":["mail to ada@example.com"]}`,
		w.request(t, notificationsApp, http.MethodGet, "/notifications/o1", "", http.StatusOK))
}

// An hour has at most a hundred confirmations.
func TestThrottle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 102 {
		w.Send(confirmation(fmt.Sprint("o", i)))
	}
	w.Drain()
	require.Len(t, w.Runs(nil), 102)
	require.Equal(t, 72*time.Second, w.Elapsed(), "a hundred at once, then one every 36 s")
}

func confirmation(orderID string) inngestkit.AnyEvent {
	return events.ShippingConfirmed.New(events.Confirmation{
		Shipment: events.Shipment{OrderID: orderID, TrackingNumber: "1Z"}, Customer: events.Customer{Name: "Ada", Email: "ada@example.com"},
	})
}

// An event about an order that nobody has placed fails at once.
func TestUnknownOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Send(events.PaymentCompleted.New(events.Payment{OrderID: "nobody's", PaymentID: "p1"}))
	w.Drain()
	require.Len(t, w.Failed(), 1)
	require.ErrorContains(t, w.Failed()[0].Err(), "order not found")
	require.Zero(t, w.Elapsed())
}

// The routes refuse what makes no sense.
func TestRoutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tc := range []struct{ service, method, path, body string }{
		{ordersApp, http.MethodPost, "/orders", `{`},
		{ordersApp, http.MethodPost, "/orders", `{"customer":{"email":"ada"},"address":"here","items":{"book":1}}`},
		{ordersApp, http.MethodPost, "/orders", `{"customer":{"email":"a@b"},"address":"here","items":{}}`},
		{ordersApp, http.MethodPost, "/orders", `{"customer":{"email":"a@b"},"address":"here","items":{"book":-1}}`},
		{ordersApp, http.MethodPost, "/orders/o1/payments", `{}`},
		{inventoryApp, http.MethodPut, "/stock/book", `{"count":-1}`},
	} {
		w.request(t, tc.service, tc.method, tc.path, tc.body, http.StatusBadRequest)
	}
}

// The services know each other only by events: none imports another.
func TestServicesAreSeparate(t *testing.T) {
	t.Parallel()
	const prefix = "github.com/inngestkit/inngestkit/examples/shipping/"
	for id := range parts(0) {
		pkg, err := build.ImportDir(id, 0)
		require.NoError(t, err)
		for _, path := range pkg.Imports {
			if name, ours := strings.CutPrefix(path, prefix); ours {
				require.Contains(t, []string{"events", "chassis"}, name, "%s imports it", id)
			}
		}
	}
}
