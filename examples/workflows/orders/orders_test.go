package orders_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/examples/workflows/orders"
	"github.com/inngestkit/inngestkit/inngesttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var submitted = orders.Submitted{OrderID: "o1", CustomerID: "c1", Items: []string{"book"}, Card: "4242"}

func TestOrder(t *testing.T) {
	t.Parallel()
	shop := newShop()
	e := inngesttest.Virtual(t)
	process := shop.service().Process()
	e.Register(process)
	e.Step("process-payment").Fails(errors.New("the bank does not respond")).Times(2)
	run := inngesttest.Start(e, process, submitted).Wait()
	require.Equal(t, orders.Receipt{OrderID: "o1", TransactionID: "t1", FulfillmentID: "f1"}, run.Output())
	require.Equal(t, 3, run.Step("process-payment").Attempts)
	require.Equal(t, []string{"charge 4242", "reserve", "create", "mail order-confirmation"}, shop.log)
	require.Equal(t, 4200, inngesttest.EventsOf(e, orders.OrderCompleted)[0].Data.Cents)
	require.Equal(t, "f1", inngesttest.EventsOf(e, orders.OrderReady)[0].Data.FulfillmentID)
}

// When a step fails for good, the order gives back what it has taken.
func TestOrderFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault    func(s *shop)
		wantErr  string
		wantLog  []string
		attempts int
	}{
		"not in stock": {func(s *shop) { s.missing = []string{"book"} }, "not in stock: [book]",
			[]string{"release", "failed", "mail order-failed"}, 0},
		"declined": {func(s *shop) { s.charge = orders.ErrDeclined }, "the card was declined",
			[]string{"charge 4242", "release", "failed", "mail order-failed"}, 1},
		"bank down": {func(s *shop) { s.charge = errors.New("no response") }, "no response",
			[]string{"charge 4242", "charge 4242", "charge 4242", "charge 4242", "release", "failed", "mail order-failed"}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shop := newShop()
			tc.fault(shop)
			run := inngesttest.Run(t, shop.service().Process(), submitted)
			require.Equal(t, inngesttest.RunFailed, run.Status())
			require.ErrorContains(t, run.Err(), tc.wantErr)
			require.Equal(t, tc.wantLog, shop.log)
			if tc.attempts > 0 {
				require.Equal(t, tc.attempts, run.Step("process-payment").Attempts)
			}
		})
	}
}

// A customer cancels while the bank takes its time. The payment that arrives meanwhile is paid
// back.
func TestOrderIsCancelled(t *testing.T) {
	t.Parallel()
	shop := newShop()
	service := shop.service()
	e := inngesttest.Virtual(t)
	e.Register(service.Functions()...)
	e.Step("process-payment").Takes(30 * time.Second)
	process := inngesttest.Start(e, service.Process(), submitted)
	e.Advance(10 * time.Second)
	e.Send(orders.OrderCancelled.New(orders.Cancelled{OrderID: "o1", Reason: "too slow"}))
	e.Drain()
	require.Equal(t, inngesttest.RunCancelled, process.Status())
	refund := e.Runs(service.Cancel())[0]
	require.JSONEq(t, `{"orderId":"o1","cents":4200}`, string(refund.OutputJSON()))
	require.Equal(t, []string{"charge 4242", "refund t1", "release", "mail order-cancelled"}, shop.log)
}

// At most ten steps of orders run at the same time.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	shop := newShop()
	process := shop.service().Process()
	e := inngesttest.Virtual(t)
	e.Register(process)
	e.Step("process-payment").Takes(time.Minute)
	for range 25 {
		inngesttest.Start(e, process, submitted)
	}
	e.Drain()
	require.Len(t, e.Runs(process), 25)
	require.Empty(t, e.Failed())
	require.Equal(t, 3*time.Minute, e.Elapsed(), "three times ten payments")
}

// shop is everything that orders need.
type shop struct {
	missing []string
	charge  error

	mu    sync.Mutex
	order orders.Order
	log   []string
}

func newShop() *shop {
	return &shop{order: orders.Order{ID: "o1", Email: "ann@example.com", Cents: 4200}}
}

func (s *shop) Order(context.Context, string) (orders.Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.order, nil
}

func (s *shop) MarkFailed(context.Context, string, string) error {
	s.did("failed")
	return nil
}

func (s *shop) Unavailable(context.Context, []string) ([]string, error) { return s.missing, nil }

func (s *shop) Reserve(context.Context, string, []string) error {
	s.did("reserve")
	return nil
}

func (s *shop) Release(context.Context, string) error {
	s.did("release")
	return nil
}

func (s *shop) Charge(_ context.Context, card string, _ int, _ string) (string, error) {
	s.did("charge " + card)
	if s.charge != nil {
		return "", s.charge
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order.TransactionID = "t1"
	return "t1", nil
}

func (s *shop) Refund(_ context.Context, transactionID string, _ int) error {
	s.did("refund " + transactionID)
	return nil
}

func (s *shop) Send(_ context.Context, _, template string, _ ...string) error {
	s.did("mail " + template)
	return nil
}

func (s *shop) service() *orders.Orders {
	return &orders.Orders{Store: s, Bank: s, Warehouse: warehouse{s}, Mail: s}
}

func (s *shop) did(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, what)
}

type warehouse struct{ *shop }

func (w warehouse) Create(context.Context, string, []string) (string, error) {
	w.did("create")
	return "f1", nil
}

func (w warehouse) Cancel(context.Context, string) error {
	w.did("cancel fulfillment")
	return nil
}
