package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// This file stands for the companies that the shop works with. Like real ones, they know
// what they have done for an order, and do not do it twice.

// Errors of the partners that another attempt does not mend.
var (
	ErrDeclined      = errors.New("the card was declined")
	ErrUndeliverable = errors.New("the address is unknown")
)

// The tokens of test cards, as real banks have them. All others are charged at once.
const (
	tokenDeclined = "tok_declined"
	tokenLost     = "tok_lost" // is charged, but the first response is lost
	tokenSlow     = "tok_slow" // takes a second
)

// nowhere is the address that the warehouse does not know.
const nowhere = "nowhere"

// A testBank moves no real money.
type testBank struct {
	mu       sync.Mutex
	payments map[string]int // cents by order
}

var _ Bank = (*testBank)(nil)

func newTestBank() *testBank { return &testBank{payments: map[string]int{}} }

// Charge implements [Bank].
func (b *testBank) Charge(ctx context.Context, orderID, token string, cents int) (string, error) {
	if token == tokenDeclined {
		return "", ErrDeclined
	}
	if token == tokenSlow {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	_, again := b.payments[orderID]
	if !again {
		b.payments[orderID] = cents
	}
	if token == tokenLost && !again {
		return "", errors.New("the bank does not respond")
	}
	return "payment-" + orderID, nil
}

// Refund implements [Bank].
func (b *testBank) Refund(_ context.Context, orderID string) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.payments[orderID], nil
}

// A testWarehouse sends nothing.
type testWarehouse struct {
	mu     sync.Mutex
	orders map[string]bool
}

var _ Warehouse = (*testWarehouse)(nil)

func newTestWarehouse() *testWarehouse { return &testWarehouse{orders: map[string]bool{}} }

// Create implements [Warehouse].
func (w *testWarehouse) Create(_ context.Context, order Order) (string, error) {
	if order.Address == nowhere {
		return "", fmt.Errorf("%s: %w", order.Address, ErrUndeliverable)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.orders[order.ID] = true
	return "fulfillment-" + order.ID, nil
}

// Cancel implements [Warehouse].
func (w *testWarehouse) Cancel(_ context.Context, orderID string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.orders, orderID)
	return nil
}
