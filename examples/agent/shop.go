package main

import (
	"context"
	"fmt"
	"sync"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// An Order is an order in the shop.
type Order struct {
	ID         string `json:"orderId"`
	CustomerID string `json:"-"`
	Item       string `json:"item"`
	Cents      int    `json:"cents"`
	Refunded   bool   `json:"refunded"`
}

// Shop simulates the database of a shop.
type Shop struct {
	mu      sync.Mutex
	orders  map[string]*Order
	refunds map[string]*Order // by idempotency key
}

// NewShop returns a shop with orders.
func NewShop(orders ...Order) *Shop {
	s := &Shop{orders: map[string]*Order{}, refunds: map[string]*Order{}}
	for _, order := range orders {
		s.orders[order.ID] = &order
	}
	return s
}

type findOrder struct {
	OrderID string `json:"orderId" jsonschema:"the number of the order"`
}

type refundOrder struct {
	OrderID string `json:"orderId" jsonschema:"the number of the order"`
	Cents   int    `json:"cents"   jsonschema:"the amount to refund, in cents"`
	Reason  string `json:"reason"  jsonschema:"why, in a few words, for the bookkeeper"`
}

// Tools returns the tools for the questions of a customer. They know the customer, so the
// model cannot be talked into orders of others.
func (s *Shop) Tools(customerID string) []Tool {
	find := NewTool("find_order", "Returns an order of the customer.",
		func(_ context.Context, _ string, args findOrder) (Order, error) {
			return s.find(customerID, args.OrderID)
		})
	refund := NewTool("refund_order", "Pays money back for an order. A human has to agree, which may take a day.",
		func(_ context.Context, key string, args refundOrder) (Order, error) {
			return s.refund(customerID, key, args)
		})
	refund.NeedsApproval = true
	return []Tool{find, refund}
}

func (s *Shop) find(customerID, orderID string) (Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	order, err := s.orderOf(customerID, orderID)
	if err != nil {
		return Order{}, err
	}
	return *order, nil
}

// refund refunds once for each key, however often it is called.
func (s *Shop) refund(customerID, key string, args refundOrder) (Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if order := s.refunds[key]; order != nil {
		return *order, nil
	}
	order, err := s.orderOf(customerID, args.OrderID)
	if err != nil {
		return Order{}, err
	}
	if order.Refunded || args.Cents <= 0 || args.Cents > order.Cents {
		return Order{}, inngestkit.NoRetry(fmt.Errorf("order %s: cannot refund %d cents", args.OrderID, args.Cents))
	}
	order.Refunded = true
	s.refunds[key] = order
	return *order, nil
}

// orderOf returns an order of a customer. To repeat the step would not help, so the error
// goes to the model at once.
func (s *Shop) orderOf(customerID, orderID string) (*Order, error) {
	order := s.orders[orderID]
	if order == nil || order.CustomerID != customerID {
		return nil, inngestkit.NoRetry(fmt.Errorf("you have no order %q", orderID))
	}
	return order, nil
}
