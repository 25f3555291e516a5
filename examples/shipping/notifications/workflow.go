// Package notifications is the service that writes to customers.
package notifications

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/examples/shipping/events"
)

// Service is the notification service.
type Service struct{ store *store }

// New returns the service with its database.
func New(db *sql.DB) *Service { return &Service{store: &store{db}} }

// Functions returns the functions of the service. An hour has at most a hundred
// confirmations, so that a mistake elsewhere does not flood customers.
func (s *Service) Functions() []inngestkit.Function {
	return []inngestkit.Function{
		inngestkit.OnEvent("send-shipping-confirmation", events.ShippingConfirmed, s.confirm, flow.Throttle(100, time.Hour)),
	}
}

// sent says which notifications were sent.
type sent struct {
	Mail bool `json:"mail"`
	SMS  bool `json:"sms"`
}

// confirm sends a mail and a text message at the same time. If one fails, only that one is
// sent again.
func (s *Service) confirm(ctx context.Context, in inngestkit.Input[events.Confirmation]) (sent, error) {
	confirmation := in.Event.Data
	var out sent
	err := step.Parallel(ctx,
		step.Into(&out.Mail, "send-email", func(ctx context.Context) (bool, error) {
			return s.send(ctx, confirmation, "mail", confirmation.Customer.Email)
		}),
		step.Into(&out.SMS, "send-sms", func(ctx context.Context) (bool, error) {
			return s.send(ctx, confirmation, "sms", confirmation.Customer.Phone)
		}))
	return out, err
}

// send reports whether it has sent a notification: a customer without an address of this kind
// gets none.
func (s *Service) send(ctx context.Context, c events.Confirmation, kind, to string) (bool, error) {
	if to == "" {
		return false, nil
	}
	text := fmt.Sprintf("%s, your order is on its way with %s: %s", c.Customer.Name, c.Carrier, c.TrackingNumber)
	return true, s.store.insert(ctx, c.OrderID, kind, to, text)
}
