package right

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/inngestkit/inngestkit/core/step"
)

// Values that are made again.

func cache(ctx context.Context, in Input) (Order, error) {
	var order *Order
	id, err := step.Run(ctx, "load", func(ctx context.Context) (string, error) {
		loaded, err := load(ctx, in.Event.Data.ID)
		order = &loaded
		return loaded.ID, err
	})
	if err != nil {
		return Order{}, err
	}
	if order == nil {
		loaded, err := load(ctx, id)
		if err != nil {
			return Order{}, err
		}
		order = &loaded
	}
	return *order, nil
}

func lazyClient(ctx context.Context, in Input) (none, error) {
	var c *client
	defer func() {
		if c != nil {
			_ = c.Close()
		}
	}()
	for _, id := range []string{"first", "second"} {
		if _, err := step.Run(ctx, id, func(ctx context.Context) (none, error) {
			if c == nil {
				c = dial()
			}
			return none{}, c.Do(ctx)
		}); err != nil {
			return none{}, err
		}
	}
	return step.Run(ctx, "third", func(ctx context.Context) (none, error) {
		if c == nil {
			return none{}, dial().Do(ctx)
		}
		return none{}, c.Do(ctx)
	})
}

func lazyFunction(ctx context.Context, in Input) (none, error) {
	var c *client
	get := func() *client {
		if c == nil {
			c = dial()
		}
		return c
	}
	if _, err := step.Run(ctx, "a", func(ctx context.Context) (none, error) { c = dial(); return none{}, get().Do(ctx) }); err != nil {
		return none{}, err
	}
	return none{}, get().Do(ctx)
}

func cleanedUp(ctx context.Context, in Input) (none, error) {
	var c *client
	var cancel func()
	_, err := step.Run(ctx, "call", func(ctx context.Context) (none, error) {
		c = dial()
		ctx, cancel = context.WithTimeout(ctx, time.Second)
		return none{}, c.Do(ctx)
	})
	if c != nil {
		c.Close()
	}
	if cancel != nil {
		defer cancel()
	}
	return none{}, err
}

func filledByAnotherFunction(ctx context.Context, in Input) (Order, error) {
	var order Order
	_, err := step.Run(ctx, "load", func(ctx context.Context) (none, error) { order.ID = "x"; return none{}, nil })
	if err != nil {
		return Order{}, err
	}
	if err := loadInto(ctx, &order); err != nil {
		return Order{}, err
	}
	return order, nil
}

func filledThroughAPointer(ctx context.Context, in Input) (Order, error) {
	var order Order
	target := &order
	_, err := step.Run(ctx, "load", func(ctx context.Context) (none, error) { target.ID = "x"; return none{}, nil })
	if err != nil {
		return Order{}, err
	}
	return order, loadInto(ctx, target)
}

func storedPointer(ctx context.Context, in Input) (Order, error) {
	var order Order
	holder := struct{ order *Order }{&order}
	raw, err := step.Run(ctx, "load", func(ctx context.Context) (json.RawMessage, error) {
		order.ID = "x"
		return json.Marshal(order)
	})
	if err != nil {
		return Order{}, err
	}
	if err := json.Unmarshal(raw, holder.order); err != nil {
		return Order{}, err
	}
	return order, nil
}

func resetByItsMethod(ctx context.Context, in Input) (Order, error) {
	var order Order
	_, err := step.Run(ctx, "load", func(ctx context.Context) (none, error) { order = Order{ID: "x"}; return none{}, nil })
	order.Reset()
	return order, err
}

func (o *Order) restore(Order)            {}
func (o *Order) RestoreFrom([]byte) error { return nil }

func restoredByItsMethod(ctx context.Context, in Input) (Order, error) {
	var order, other Order
	raw, err := step.Run(ctx, "load", func(ctx context.Context) (json.RawMessage, error) {
		order, other = Order{ID: "x"}, Order{}
		return json.Marshal(order)
	})
	if err != nil {
		return order, err
	}
	other.restore(in.Event.Data)
	if err := order.RestoreFrom(raw); err != nil {
		return other, fmt.Errorf("restore: %w", err)
	}
	if order.ID == "" {
		return other, nil
	}
	return order, nil
}

func valueWithAnError(ctx context.Context, in Input) (Order, error) {
	order := in.Event.Data
	total, err := step.Run(ctx, "total", func(ctx context.Context) (int, error) {
		order.Total = price(ctx, order.ID)
		return order.Total, nil
	})
	if err != nil {
		return order, err
	}
	order.Total = total
	return order, nil
}

func assignedByALocalFunction(ctx context.Context, in Input) (int, error) {
	total := 0
	set := func(n int) { total = n }
	n, err := step.Run(ctx, "charge", func(ctx context.Context) (int, error) { total = 3; return total, nil })
	if err != nil {
		return 0, err
	}
	set(n)
	return total, nil
}

func callbackOfALibrary(ctx context.Context, in Input) (int, error) {
	longest := 0
	names, err := step.Run(ctx, "names", func(ctx context.Context) ([]string, error) { longest = 1; return []string{"a"}, nil })
	slices.SortFunc(names, func(a, b string) int { longest = max(longest, len(a)); return len(a) - len(b) })
	return longest, err
}

func inBranchesThatAssign(ctx context.Context, in Input) (int, error) {
	total := 0
	for i := 0; i < 3; i++ {
		n, err := step.Run(ctx, "n", func(ctx context.Context) (int, error) {
			total = i
			return total, nil
		})
		if err != nil {
			total = -1
			break
		}
		if total = n; total > 2 {
			continue
		}
	}
	return total, nil
}

func restoredInLoop(ctx context.Context, in Input) (int, error) {
	var c *client
	_, err := step.Run(ctx, "call", func(ctx context.Context) (none, error) { c = dial(); return none{}, nil })
	for c == nil {
		c = dial()
	}
	return c.calls, err
}

func restoredInSwitch(ctx context.Context, in Input) (int, error) {
	var c *client
	_, err := step.Run(ctx, "call", func(ctx context.Context) (none, error) { c = dial(); return none{}, nil })
	switch {
	case err != nil:
		return 0, err
	case c == nil:
		c = dial()
	}
	return c.calls, nil
}

func (s *service) partOfANewValue(ctx context.Context, in Input) (int, error) {
	holder := struct{ client *client }{s.client}
	_, err := step.Run(ctx, "call", func(ctx context.Context) (none, error) { holder.client.calls++; return none{}, nil })
	return holder.client.calls, err
}

func comparedWithNil(ctx context.Context, in Input) (bool, error) {
	order := &Order{}
	_, err := step.Run(ctx, "call", func(ctx context.Context) (none, error) { order.Status = "paid"; return none{}, nil })
	return order == nil, err
}

func assignedInABranch(ctx context.Context, in Input) (int, error) {
	total := 0
	_, _ = step.Run(ctx, "call", func(ctx context.Context) (none, error) { total = 3; return none{}, nil })
	err := step.Parallel(ctx,
		func(ctx context.Context) (err error) {
			total, err = step.Run(ctx, "total", func(ctx context.Context) (int, error) { return 5, nil })
			return err
		},
		func(ctx context.Context) error { return nil },
	)
	return total, err
}

func assignedInAnEndlessLoop(ctx context.Context, in Input) (int, error) {
	total := 0
	_, _ = step.Run(ctx, "call", func(ctx context.Context) (none, error) { total = 3; return none{}, nil })
	for {
		n, err := step.Run(ctx, "poll", func(ctx context.Context) (int, error) { return 5, nil })
		if err != nil {
			return 0, err
		}
		if n > 3 {
			total = n
			break
		}
	}
	return total, nil
}

func assignedInALibraryCall(ctx context.Context, in Input) (int, error) {
	total := 0
	set := func(n int) { total = n }
	names, err := step.Run(ctx, "names", func(ctx context.Context) ([]string, error) { total = 1; return []string{"a"}, nil })
	_ = slices.ContainsFunc(names, func(name string) bool { set(len(name)); return true })
	return total, err
}

func assignedByAGoroutine(ctx context.Context, in Input) (int, error) {
	total := 0
	n, err := step.Run(ctx, "n", func(ctx context.Context) (int, error) { total = 1; return 1, nil })
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		defer group.Done()
		total = n
	}()
	group.Wait()
	return total, err
}

func cleared(ctx context.Context, in Input) (int, error) {
	totals, list := map[string]int{}, make([]int, 1)
	_, err := step.Run(ctx, "call", func(ctx context.Context) (none, error) { totals["a"], list[0] = 3, 3; return none{}, nil })
	clear(totals)
	copy(list, []int{1})
	return len(totals) + list[0], err
}

func storedAlias(ctx context.Context, in Input) (Order, error) {
	var order Order
	p := &order
	holder := struct{ order *Order }{}
	holder.order = p
	_, err := step.Run(ctx, "load", func(ctx context.Context) (none, error) { p.ID = "x"; return none{}, nil })
	holder.order.ID = "y"
	return order, err
}

func (s *service) sometimesNew(ctx context.Context, in Input) (int, error) {
	c := s.client
	if in.Event.Data.ID == "" {
		c = &client{}
	}
	_, err := step.Run(ctx, "call", func(ctx context.Context) (none, error) { c.calls++; return none{}, nil })
	return c.calls, err
}

func passedByItsAddress(ctx context.Context, in Input) (string, error) {
	order := in.Event.Data
	_, err := step.Run(ctx, "call", func(ctx context.Context) (none, error) { return none{}, loadInto(ctx, &order) })
	return order.ID, err
}

func oneOfTwoFunctions(ctx context.Context, in Input) (int, error) {
	total := 0
	n, err := step.Run(ctx, "n", func(ctx context.Context) (int, error) { total = 1; return 1, nil })
	set := func() { total = n }
	if in.Event.Data.ID == "" {
		set = func() { total = 2 * n }
	}
	set()
	return total, err
}

func calledAndRunAsAStep(ctx context.Context, in Input) (int, error) {
	total := 0
	load := func(ctx context.Context) (int, error) { total = 5; return total, nil }
	if _, err := step.Run(ctx, "load", load); err != nil {
		return 0, err
	}
	if _, err := load(ctx); err != nil {
		return 0, err
	}
	return total, nil
}
