package shipping_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/examples/workflows/shipping"
	"github.com/inngestkit/inngestkit/inngesttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var paid = shipping.PaymentCompleted.New(shipping.Payment{OrderID: "o1", PaymentID: "p1", Items: []string{"book"}})

// One payment goes through four apps, which know each other only by events.
func TestShipping(t *testing.T) {
	t.Parallel()
	w := &world{}
	e := inngesttest.Virtual(t)
	w.serve(t, e)
	e.Send(paid)
	e.Advance(3 * time.Hour)
	require.Equal(t, []string{"paid p1", "reserved r1"}, w.status)

	e.Send(shipping.WarehousePacked.New(shipping.Packed{FulfillmentID: "f1"}))
	e.Drain()
	require.Equal(t, []string{"paid p1", "reserved r1", "shipped 1Z"}, w.status)
	require.Equal(t, []string{"mail 1Z", "sms 1Z"}, w.sent)
	require.Empty(t, e.Failed())
	require.Len(t, e.Runs(nil), 6)
}

func TestNotPacked(t *testing.T) {
	t.Parallel()
	w := &world{}
	e := inngesttest.Virtual(t)
	w.serve(t, e)
	e.Send(paid)
	e.Drain()
	failed := e.Failed()
	require.Len(t, failed, 1)
	require.Equal(t, "fulfillment-create-fulfillment-order", failed[0].Function())
	require.ErrorContains(t, failed[0].Err(), shipping.ErrNotPacked.Error())
	require.Equal(t, 24*time.Hour, e.Elapsed())
	require.Empty(t, w.sent)
}

// If the text message fails, it is sent again, and the mail is not.
func TestNotifications(t *testing.T) {
	t.Parallel()
	w := &world{sms: errors.New("no network")}
	e := inngesttest.Virtual(t)
	w.serve(t, e)
	e.Send(shipping.ShippingConfirmed.New(shipping.Shipment{OrderID: "o1", TrackingNumber: "1Z"}))
	e.Drain()
	require.Equal(t, "mail 1Z"+strings.Repeat(", sms 1Z", 5), strings.Join(w.sent, ", "))
	require.Len(t, e.Failed(), 1)
}

// An hour has at most a hundred confirmations.
func TestThrottle(t *testing.T) {
	t.Parallel()
	w := &world{}
	e := inngesttest.Virtual(t)
	w.serve(t, e)
	for range 150 {
		e.Send(shipping.ShippingConfirmed.New(shipping.Shipment{OrderID: "o1", TrackingNumber: "1Z"}))
	}
	e.Settle()
	require.Len(t, w.sent, 2*100)
	e.Drain()
	require.Len(t, w.sent, 2*150)
	require.Equal(t, 30*time.Minute, e.Elapsed(), "one every 36 s")
}

// world is what the services do.
type world struct {
	status []string
	sent   []string
	sms    error
}

// serve starts each service as an app of its own.
func (w *world) serve(t *testing.T, e *inngesttest.Engine) {
	t.Helper()
	orders := &shipping.Orders{SetStatus: func(_ context.Context, _, status, detail string) error {
		w.status = append(w.status, status+" "+detail)
		return nil
	}}
	inventory := &shipping.Inventory{Reserve: func(context.Context, string, []string) (string, error) { return "r1", nil }}
	fulfillment := &shipping.Fulfillment{
		Create: func(context.Context, string) (string, error) { return "f1", nil },
		Ship:   func(context.Context, string) (string, time.Time, error) { return "1Z", e.Now(), nil },
	}
	notifications := &shipping.Notifications{
		Mail: func(_ context.Context, s shipping.Shipment) error {
			w.sent = append(w.sent, "mail "+s.TrackingNumber)
			return nil
		},
		SMS: func(_ context.Context, s shipping.Shipment) (bool, error) {
			w.sent = append(w.sent, "sms "+s.TrackingNumber)
			return true, w.sms
		},
	}
	for id, functions := range map[string][]inngestkit.Function{
		"orders": orders.Functions(), "inventory": inventory.Functions(),
		"fulfillment": fulfillment.Functions(), "notifications": notifications.Functions(),
	} {
		app, err := inngestkit.New(inngestkit.Config{AppID: id, Dev: true})
		require.NoError(t, err)
		require.NoError(t, app.Register(functions...))
		e.Serve(app)
	}
}
