package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/examples/internal/database/databasetest"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// minute is how long cancel-order waits in these tests, where time takes no time.
const minute = time.Minute

// shop is an application without HTTP, with a database and partners of its own.
type shop struct {
	store     *Store
	bank      *testBank
	warehouse *testWarehouse
	orders    *Orders
}

// newShop returns a shop with ten books.
func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{store: &Store{db: databasetest.New(t, schema)}, bank: newTestBank(), warehouse: newTestWarehouse()}
	s.orders = NewOrders(s.store, s.bank, s.warehouse, minute)
	require.NoError(t, s.store.SetStock(t.Context(), "book", 10, 2100))
	return s
}

// submitted returns an order of two books.
func submitted(id, token string) Submitted {
	return Submitted{
		OrderID: id, CustomerID: "c1", Email: "ada@example.com", Address: "1 Main St", Priority: "express",
		Items: map[string]int{"book": 2}, PaymentToken: token,
	}
}

// requireOrder requires how an order has ended, and how many books are in stock.
func (s *shop) requireOrder(t *testing.T, id, status string, refunded, books int, mails ...string) {
	t.Helper()
	order, err := s.store.Order(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []any{status, refunded}, []any{order.Status, order.RefundedCents})
	stock, err := s.store.Stock(t.Context(), "book")
	require.NoError(t, err)
	require.Equal(t, books, stock)
	sent, err := s.store.Mails(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, mails, sent)
}

// The response of the bank is lost, so the step charges again, and the bank notices.
func TestOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	e := inngesttest.Virtual(t)
	e.Register(s.orders.Functions()...)
	run := inngesttest.Start(e, s.orders.Process(), submitted("o1", tokenLost)).Wait()
	require.Equal(t, Receipt{OrderID: "o1", PaymentID: "payment-o1", FulfillmentID: "fulfillment-o1"}, run.Output())
	require.Equal(t, 2, run.Step("process-payment").Attempts)
	require.Equal(t, map[string]int{"o1": 4200}, s.bank.payments)
	s.requireOrder(t, "o1", StatusConfirmed, 0, 8, "order-confirmation")

	require.Equal(t, Completed{OrderID: "o1", CustomerID: "c1", Cents: 4200}, inngesttest.EventsOf(e, orderCompleted)[0].Data)
	require.Equal(t, Ready{"o1", "fulfillment-o1", "express"}, inngesttest.EventsOf(e, orderReady)[0].Data)
	require.Equal(t, Purchase{"c1", "o1", 4200, 1}, inngesttest.EventsOf(e, purchaseCompleted)[0].Data)

	e.Send(orderSubmitted.New(submitted("o1", tokenLost)))
	e.Drain()
	require.Len(t, e.Runs(s.orders.Process()), 1, "the same order again")
}

// When a step fails for good, the order gives back what it and the steps before it have
// taken, the last one first.
func TestOrderFails(t *testing.T) {
	t.Parallel()
	down := errors.New("no response")
	for name, tc := range map[string]struct {
		order    func(o *Submitted)
		down     string // the step that never works
		wantErr  string
		attempts map[string]int
		undone   []string
		refunded int
	}{
		"not in stock": {
			order: func(o *Submitted) { o.Items["book"] = 11 }, wantErr: "11 of book: not in stock",
			attempts: map[string]int{"validate-order": 1},
		},
		"declined": {
			order: func(o *Submitted) { o.PaymentToken = tokenDeclined }, wantErr: "the card was declined",
			attempts: map[string]int{"process-payment": 1}, undone: []string{"refund-payment"},
		},
		"bank down": {
			down: "process-payment", wantErr: "no response",
			attempts: map[string]int{"process-payment": 4}, undone: []string{"refund-payment"},
		},
		"undeliverable": {
			order: func(o *Submitted) { o.Address = nowhere }, wantErr: "the address is unknown",
			attempts: map[string]int{"create-fulfillment-order": 1},
			undone:   []string{"cancel-fulfillment", "release-inventory", "refund-payment"}, refunded: 4200,
		},
		"database down": {
			down: "send-order-confirmation", wantErr: "no response",
			attempts: map[string]int{"send-order-confirmation": 4},
			undone:   []string{"cancel-fulfillment", "release-inventory", "refund-payment"}, refunded: 4200,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			e := inngesttest.Virtual(t)
			e.Register(s.orders.Functions()...)
			order := submitted("o1", "tok_visa")
			if tc.order != nil {
				tc.order(&order)
			}
			if tc.down != "" {
				e.Step(tc.down).Fails(down)
			}
			run := inngesttest.Start(e, s.orders.Process(), order).Wait()
			e.Drain() // the failure handler
			require.Equal(t, inngesttest.RunFailed, run.Status())
			require.ErrorContains(t, run.Err(), tc.wantErr)
			for step, attempts := range tc.attempts {
				require.Equal(t, attempts, run.Step(step).Attempts, step)
			}
			requireSteps(t, run.Steps(), tc.undone...)
			require.Empty(t, s.warehouse.orders)
			s.requireOrder(t, "o1", StatusFailed, tc.refunded, 10, "order-failed")
		})
	}
}

// requireSteps requires which compensations were run, in their order.
func requireSteps(t *testing.T, steps []inngesttest.StepRecord, want ...string) {
	t.Helper()
	var got []string
	for _, step := range steps {
		if slices.Contains([]string{"cancel-fulfillment", "release-inventory", "refund-payment"}, step.ID) {
			got = append(got, step.ID)
		}
	}
	require.Equal(t, want, got)
}

// If a compensation fails for good, the others still run, and the error names it.
func TestCompensationFails(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	e := inngesttest.Virtual(t)
	e.Register(s.orders.Functions()...)
	e.Step("release-inventory").Fails(errors.New("the database is down"))
	order := submitted("o1", "tok_visa")
	order.Address = nowhere
	run := inngesttest.Start(e, s.orders.Process(), order).Wait()
	e.Drain()
	require.ErrorContains(t, run.Err(), "the address is unknown")
	require.ErrorContains(t, run.Err(), "the database is down")
	s.requireOrder(t, "o1", StatusFailed, 4200, 8, "order-failed")
}

// A customer cancels while the bank takes its time. The payment that arrives meanwhile is
// paid back.
func TestOrderIsCancelled(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	e := inngesttest.Virtual(t)
	e.Register(s.orders.Functions()...)
	e.Step("process-payment").Takes(30 * time.Second)
	process := inngesttest.Start(e, s.orders.Process(), submitted("o1", "tok_visa"))
	e.Advance(10 * time.Second)
	e.Send(orderCancelled.New(Cancelled{OrderID: "o1", Reason: "too slow"}))
	e.Drain()
	require.Equal(t, inngesttest.RunCancelled, process.Status())
	refund := e.Runs(s.orders.Cancel())[0]
	require.JSONEq(t, `{"orderId":"o1","cents":4200,"status":"cancelled"}`, string(refund.OutputJSON()))
	s.requireOrder(t, "o1", StatusCancelled, 4200, 10, "order-cancelled")
}

// An order can be cancelled after its end, once. An order that has failed stays failed.
func TestCancelledLater(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	e := inngesttest.Virtual(t)
	e.Register(s.orders.Functions()...)
	declined := submitted("o2", tokenDeclined)
	inngesttest.Start(e, s.orders.Process(), submitted("o1", "tok_visa")).Wait()
	inngesttest.Start(e, s.orders.Process(), declined).Wait()
	e.Drain()
	for range 2 {
		for _, id := range []string{"o1", "o2"} {
			e.Send(orderCancelled.New(Cancelled{OrderID: id, Reason: "too late"}))
			e.Drain()
		}
	}
	s.requireOrder(t, "o1", StatusCancelled, 4200, 10, "order-cancelled", "order-confirmation")
	s.requireOrder(t, "o2", StatusFailed, 0, 10, "order-failed")
	require.Empty(t, s.warehouse.orders)

	e.Send(orderCancelled.New(Cancelled{OrderID: "o3"}))
	e.Drain()
	cancels := e.Runs(s.orders.Cancel())
	require.ErrorContains(t, cancels[len(cancels)-1].Err(), ErrNoOrder.Error())
}

// At most ten steps of orders run at the same time.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	require.NoError(t, s.store.SetStock(t.Context(), "book", 100, 2100))
	e := inngesttest.Virtual(t)
	e.Register(s.orders.Process())
	e.Step("process-payment").Takes(time.Minute)
	for i := range 25 {
		inngesttest.Start(e, s.orders.Process(), submitted(fmt.Sprintf("o%d", i), "tok_visa"))
	}
	e.Drain()
	require.Len(t, e.Runs(s.orders.Process()), 25)
	require.Empty(t, e.Failed())
	require.Equal(t, 3*time.Minute, e.Elapsed(), "three times ten payments")
}

// A payment ends with its call.
func TestPaymentEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newTestBank().Charge(ctx, "o1", tokenSlow, 1)
	require.ErrorIs(t, err, context.Canceled)
}
