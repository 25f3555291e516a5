package main

import (
	"context"
	"fmt"
	"sync"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// orderCompleted starts send-invoice.
var orderCompleted = inngestkit.DefineEvent[Order]("order.completed")

// Order is a completed order.
type Order struct {
	OrderID string `json:"orderId"`
	Email   string `json:"email"`
	Cents   int    `json:"cents"`
}

// Invoice is the output of send-invoice.
type Invoice struct {
	Number string `json:"number"`
	MailID string `json:"mailId"`
}

// Invoices has the functions for invoices. Its fields are the services that they use.
type Invoices struct {
	ledger Ledger
	mailer Mailer
}

// Ledger numbers invoices.
type Ledger interface {
	// Book returns the number of the order's invoice, the same each time.
	Book(ctx context.Context, order Order) (string, error)
}

// Mailer sends mail.
type Mailer interface {
	Send(ctx context.Context, to, text string) (id string, err error)
}

// NewInvoices returns functions that use the services.
func NewInvoices(ledger Ledger, mailer Mailer) *Invoices {
	return &Invoices{ledger: ledger, mailer: mailer}
}

// Functions returns the functions, for [inngestkit.App.Register].
func (i *Invoices) Functions() []inngestkit.Function {
	return []inngestkit.Function{inngestkit.OnEvent("send-invoice", orderCompleted, i.send)}
}

func (i *Invoices) send(ctx context.Context, in inngestkit.Input[Order]) (Invoice, error) {
	order := in.Event.Data
	number, err := step.Run(ctx, "book", func(ctx context.Context) (string, error) { return i.ledger.Book(ctx, order) })
	if err != nil {
		return Invoice{}, err
	}
	mailID, err := step.Run(ctx, "mail", func(ctx context.Context) (string, error) {
		return i.mailer.Send(ctx, order.Email, "Your invoice "+number)
	})
	return Invoice{Number: number, MailID: mailID}, err
}

// memoryLedger simulates a ledger.
type memoryLedger struct {
	mu     sync.Mutex
	booked map[string]string
}

var _ Ledger = (*memoryLedger)(nil)

// Book implements [Ledger].
func (l *memoryLedger) Book(_ context.Context, order Order) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.booked == nil {
		l.booked = map[string]string{}
	}
	if _, booked := l.booked[order.OrderID]; !booked {
		l.booked[order.OrderID] = fmt.Sprintf("2026-%04d", len(l.booked)+1)
	}
	return l.booked[order.OrderID], nil
}

// smtpMailer simulates a mail server that needs a password.
type smtpMailer struct{ password inngestkit.Secret }

var _ Mailer = (*smtpMailer)(nil)

// Send implements [Mailer].
func (m *smtpMailer) Send(_ context.Context, to, _ string) (string, error) {
	if m.password == "" {
		return "", inngestkit.NoRetry(fmt.Errorf("mail to %s: the server wants a password", to))
	}
	return "mail-to-" + to, nil
}
