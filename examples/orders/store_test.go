package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/examples/internal/database/databasetest"
)

// A step may run again after its effect, so each change is made twice here.
func TestStoreRepeats(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := &Store{db: databasetest.New(t, schema)}
	order := submitted("o1", "tok_visa")
	for _, part := range []struct {
		name   string
		change func() error
		status string
		stock  int
		mails  []string
	}{
		{"stock", func() error { return s.SetStock(ctx, "book", 5, 100) }, "", 5, []string{}},
		{"accept", func() error { _, err := s.Accept(ctx, order); return err }, StatusSubmitted, 5, []string{}},
		{"pay", func() error { return s.Paid(ctx, "o1", "p1") }, StatusPaid, 5, []string{}},
		{"reserve", func() error { return s.Reserve(ctx, "o1") }, StatusPaid, 3, []string{}},
		{"confirm", func() error { return s.Confirm(ctx, "o1", "f1") }, StatusConfirmed, 3, []string{"order-confirmation"}},
		{"release", func() error { return s.Release(ctx, "o1") }, StatusConfirmed, 5, []string{"order-confirmation"}},
		{"cancel", func() error { return s.Cancel(ctx, "o1", "no") }, StatusCancelled, 5, []string{"order-cancelled", "order-confirmation"}},
	} {
		for range 2 {
			require.NoError(t, part.change(), part.name)
			found, err := s.Order(ctx, "o1")
			if part.status != "" {
				require.NoError(t, err, part.name)
			}
			require.Equal(t, part.status, found.Status, part.name)
			stock, err := s.Stock(ctx, "book")
			require.NoError(t, err)
			require.Equal(t, part.stock, stock, part.name)
			mails, err := s.Mails(ctx, "o1")
			require.NoError(t, err)
			require.Equal(t, part.mails, mails, part.name)
		}
	}
	found, err := s.Order(ctx, "o1")
	require.NoError(t, err)
	require.Equal(t, Order{
		ID: "o1", CustomerID: "c1", Email: "ada@example.com", Address: "1 Main St", Priority: "express",
		Items: map[string]int{"book": 2}, Cents: 200, Status: StatusCancelled, Reason: "no", PaymentID: "p1", FulfillmentID: "f1",
	}, found)
}

// An order reserves all of its articles, or none.
func TestReserveAllOrNone(t *testing.T) {
	t.Parallel()
	s := &Store{db: databasetest.New(t, schema)}
	order := submitted("o1", "tok_visa")
	order.Items["pen"] = 3
	require.NoError(t, s.SetStock(t.Context(), "book", 5, 100))
	require.NoError(t, s.SetStock(t.Context(), "pen", 3, 1))
	_, err := s.Accept(t.Context(), order)
	require.NoError(t, err)
	require.NoError(t, s.SetStock(t.Context(), "pen", 2, 1)) // somebody else was faster
	require.ErrorIs(t, s.Reserve(t.Context(), "o1"), ErrNotInStock)
	stock, err := s.Stock(t.Context(), "book")
	require.NoError(t, err)
	require.Equal(t, 5, stock)
}

// Of orders that compete for the stock, as many succeed as it allows. Of those who release an
// order at the same time, one does.
func TestStoreRaces(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := &Store{db: databasetest.New(t, schema)}
	require.NoError(t, s.SetStock(ctx, "book", 5, 100))
	ids := []string{"o1", "o2", "o3", "o4"}
	for _, id := range ids {
		_, err := s.Accept(ctx, submitted(id, "tok_visa"))
		require.NoError(t, err)
	}
	var refused atomic.Int32
	atOnce(ids, func(id string) {
		switch err := s.Reserve(ctx, id); {
		case errors.Is(err, ErrNotInStock):
			refused.Add(1)
		default:
			assertNoError(t, err)
		}
	})
	requireStock(ctx, t, s, 1)
	require.Equal(t, int32(2), refused.Load())

	atOnce([]string{"o1", "o1", "o2", "o2", "o3", "o3", "o4", "o4"}, func(id string) { assertNoError(t, s.Release(ctx, id)) })
	requireStock(ctx, t, s, 5)
}

func atOnce(ids []string, f func(id string)) {
	var group sync.WaitGroup
	for _, id := range ids {
		group.Go(func() { f(id) })
	}
	group.Wait()
}

func assertNoError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func requireStock(ctx context.Context, t *testing.T, s *Store, want int) {
	t.Helper()
	stock, err := s.Stock(ctx, "book")
	require.NoError(t, err)
	require.Equal(t, want, stock)
}
