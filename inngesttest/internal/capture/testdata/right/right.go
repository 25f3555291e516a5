// Package right has correct functions, most of which look like wrong ones.
package right

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/inngest/inngestgo"
	sdkstep "github.com/inngest/inngestgo/step"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

type Item struct {
	Name  string
	Price int
}

type Order struct {
	ID     string
	Status string
	Total  int
	Items  []Item
	Notes  map[string]string
}

// Reset makes the order empty.
func (o *Order) Reset() { *o = Order{} }

// Customer returns the customer's ID, which no step changes.
func (o *Order) Customer() string { return o.ID }

type (
	Input = inngestkit.Input[Order]
	none  = struct{}
)

type client struct{ calls int }

func (c *client) Do(context.Context) error { return nil }
func (c *client) Close() error             { return nil }

func dial() *client                               { return &client{} }
func price(context.Context, string) int           { return 1 }
func load(context.Context, string) (Order, error) { return Order{}, nil }
func loadInto(context.Context, *Order) error      { return nil }
func pay(context.Context, Order) error            { return nil }

var processed int

// Values that steps return.

func returned(ctx context.Context, in Input) (int, error) {
	order, err := step.Run(ctx, "load", func(ctx context.Context) (Order, error) { return load(ctx, in.Event.Data.ID) })
	if err != nil {
		return 0, err
	}
	total := 0
	for _, item := range order.Items {
		cost, err := step.Run(ctx, "price", func(ctx context.Context) (int, error) { return price(ctx, item.Name), nil })
		if err != nil {
			return 0, err
		}
		total += cost
	}
	return total, nil
}

func assignedFromTheResult(ctx context.Context, in Input) (int, error) {
	var total int
	var err error
	total, err = step.Run(ctx, "charge", func(ctx context.Context) (int, error) {
		total = price(ctx, in.Event.Data.ID)
		return total, err
	})
	return total, err
}

func assignedAfterTheStep(ctx context.Context, in Input) (int, error) {
	total := 0
	result, err := step.Run(ctx, "charge", func(ctx context.Context) (int, error) {
		total = price(ctx, "x")
		return total * 2, nil
	})
	if err != nil {
		return 0, err
	}
	total = result / 2
	return total, nil
}

func assignedOnEveryPath(ctx context.Context, in Input) (int, error) {
	total := 0
	_, _ = step.Run(ctx, "charge", func(ctx context.Context) (int, error) { total = 3; return 0, nil })
	switch in.Event.Data.Status {
	case "new":
		total = 1
	case "old", "older":
		total = 2
	default:
		return 0, errors.New("unknown")
	}
	return total, nil
}

func sharedError(ctx context.Context, in Input) (none, error) {
	var order Order
	var err error
	if order, err = step.Run(ctx, "load", func(ctx context.Context) (o Order, e error) {
		if o, err = load(ctx, "a"); err != nil {
			return o, err
		}
		return o, nil
	}); err != nil {
		return none{}, err
	}
	_, err = step.Run(ctx, "pay", func(ctx context.Context) (none, error) {
		err = pay(ctx, order)
		return none{}, err
	})
	return none{}, err
}

func into(ctx context.Context, in Input) (string, error) {
	var order, other Order
	err := step.Parallel(ctx,
		step.Into(&order, "load", func(ctx context.Context) (Order, error) {
			order, err := load(ctx, "a")
			return order, err
		}),
		step.Into(&other, "other", func(ctx context.Context) (Order, error) {
			other.ID = "b"
			return other, nil
		}),
	)
	return order.ID + other.ID, err
}

func intoFields(ctx context.Context, in Input) (Order, error) {
	var order Order
	totals := make([]int, 2)
	err := step.Parallel(ctx,
		step.Into(&order.Total, "total", func(ctx context.Context) (int, error) { order.Total = 4; return order.Total, nil }),
		step.Into(&totals[0], "first", func(ctx context.Context) (int, error) { totals[0]++; return totals[0], nil }),
	)
	order.Total += totals[0]
	return order, err
}

func branchWithSeveralSteps(ctx context.Context, in Input) (int, error) {
	total := 0
	err := step.Parallel(ctx, func(ctx context.Context) error {
		sum, err := step.Run(ctx, "sum", func(ctx context.Context) (int, error) { total = 3; return total, nil })
		if err != nil {
			return err
		}
		total = sum
		return nil
	})
	if err != nil {
		return 0, err
	}
	return total, nil
}

func branchesThatAssignElements(ctx context.Context, in Input) ([]string, error) {
	results := make([]string, len(in.Event.Data.Items))
	branches := make([]func(context.Context) error, len(results))
	for i, item := range in.Event.Data.Items {
		branches[i] = func(ctx context.Context) error {
			first, err := step.Run(ctx, "first", func(context.Context) (string, error) { return item.Name, nil })
			if err != nil {
				return err
			}
			results[i], err = step.Run(ctx, "second", func(context.Context) (string, error) { return first + item.Name, nil })
			return err
		}
	}
	return results, step.Parallel(ctx, branches...)
}

// Variables that nobody reads after the step.

func onlyInTheCallback(ctx context.Context, in Input) (int, error) {
	var buffer []byte
	first, err := step.Run(ctx, "a", func(ctx context.Context) (int, error) {
		buffer = append(buffer[:0], "abc"...)
		return len(buffer), nil
	})
	if err != nil {
		return 0, err
	}
	second, err := step.Run(ctx, "b", func(ctx context.Context) (int, error) {
		buffer = append(buffer[:0], "abcd"...)
		return len(buffer), nil
	})
	return first + second, err
}

func readBefore(ctx context.Context, in Input) (int, error) {
	total := 5
	fmt.Println(total)
	return step.Run(ctx, "charge", func(ctx context.Context) (int, error) { total = 3; return total, nil })
}

func onAnotherPath(ctx context.Context, in Input) (int, error) {
	total := 5
	if in.Event.Data.Status == "new" {
		return step.Run(ctx, "charge", func(ctx context.Context) (int, error) { total = 3; return total, nil })
	} else if in.Event.Data.Status == "lost" {
		_, _ = step.Run(ctx, "lose", func(ctx context.Context) (int, error) { total = 3; return total, nil })
		log.Fatal("lost")
	}
	return total, nil
}

func declaredInTheLoop(ctx context.Context, in Input) (int, error) {
	sum := 0
	for range 3 {
		attempts := 0
		fmt.Println(attempts)
		n, err := step.Run(ctx, "try", func(ctx context.Context) (int, error) { attempts++; return attempts, nil })
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func loopVariable(ctx context.Context, in Input) (none, error) {
	for _, item := range in.Event.Data.Items {
		fmt.Println(item.Name)
		if _, err := step.Run(ctx, "ship", func(ctx context.Context) (Item, error) {
			item.Price = 0
			item = Item{Name: item.Name}
			return item, nil
		}); err != nil {
			return none{}, err
		}
	}
	return none{}, nil
}

func otherField(ctx context.Context, in Input) (string, error) {
	order := in.Event.Data
	_, err := step.Run(ctx, "pay", func(ctx context.Context) (none, error) {
		order.Status = "paid"
		return none{}, pay(ctx, order)
	})
	return order.ID + order.Customer(), err
}

func otherElement(ctx context.Context, in Input) (int, error) {
	totals := map[string]int{"net": 1}
	list := make([]int, 3)
	_, err := step.Run(ctx, "pay", func(ctx context.Context) (none, error) {
		totals["gross"] = 2
		list[0] = 1
		return none{}, nil
	})
	return totals["net"] + len(list) + list[1], err
}

func shadowed(ctx context.Context, in Input) (int, error) {
	total := 1
	_, err := step.Run(ctx, "charge", func(ctx context.Context) (int, error) {
		total := 0
		total++
		if order, err := load(ctx, "a"); err == nil {
			total = order.Total
		}
		return total, nil
	})
	return total, err
}

func keyOfALiteral(ctx context.Context, in Input) (any, error) {
	Name := "a"
	_, err := step.Run(ctx, "name", func(ctx context.Context) (string, error) { Name = "b"; return Name, nil })
	return Item{Name: "c"}, err
}

func silenced(ctx context.Context, in Input) (any, error) {
	unused := 0
	_, err := step.Run(ctx, "x", func(ctx context.Context) (int, error) { unused = 1; return 0, nil })
	_ = unused
	return nil, err
}

// Values from outside the function.

func packageVariable(ctx context.Context, in Input) (int, error) {
	_, err := step.Run(ctx, "count", func(ctx context.Context) (none, error) { processed++; return none{}, nil })
	return processed, err
}

func counterOfATest() func(ctx context.Context, in Input) (int, error) {
	attempts, seen := 0, map[string]bool{}
	handler := func(ctx context.Context, in Input) (int, error) {
		_, err := step.Run(ctx, "count", func(ctx context.Context) (none, error) {
			attempts++
			seen[in.Event.Data.ID] = true
			return none{}, nil
		})
		if attempts > 3 && seen["x"] {
			return 0, errors.New("too often")
		}
		return attempts, err
	}
	return handler
}

type service struct {
	client *client
	cache  map[string]int
	mu     sync.Mutex
}

func (s *service) receiver(ctx context.Context, in Input) (int, error) {
	_, err := step.Run(ctx, "call", func(ctx context.Context) (none, error) {
		s.client.calls++
		s.cache["a"] = 1
		s.client = dial()
		return none{}, nil
	})
	return s.client.calls + len(s.cache), err
}

func (s *service) throughLocals(ctx context.Context, in Input) (int, error) {
	c, cache := s.client, s.cache
	_, err := step.Run(ctx, "call", func(ctx context.Context) (none, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		c.calls++
		cache["a"] = 1
		return none{}, nil
	})
	return c.calls + cache["a"], err
}

func throughParameter(ctx context.Context, in Input) (int, error) { return counted(ctx, dial()) }

func counted(ctx context.Context, c *client) (int, error) {
	_, err := step.Run(ctx, "call", func(ctx context.Context) (none, error) { c.calls++; return none{}, nil })
	return c.calls, err
}

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

// Durable patterns.

func pages(ctx context.Context, in Input) (int, error) {
	type page struct {
		Next  string
		Count int
	}
	count, cursor := 0, "start"
	for cursor != "" {
		p, err := step.Run(ctx, "page", func(ctx context.Context) (page, error) {
			next := cursor + "x"
			return page{next, 1}, nil
		})
		if err != nil {
			return 0, err
		}
		count += p.Count
		cursor = p.Next
	}
	return count, nil
}

func compensation(ctx context.Context, in Input) (status string, err error) {
	var undo []string
	defer func() {
		if err != nil {
			log.Println("undone", undo)
		}
	}()
	for _, id := range []string{"book", "charge"} {
		if _, err = step.Run(ctx, id, func(ctx context.Context) (none, error) { return none{}, pay(ctx, in.Event.Data) }); err != nil {
			for _, u := range slices.Backward(undo) {
				_, _ = step.Run(ctx, "undo-"+u, func(context.Context) (none, error) { return none{}, nil })
			}
			return "undone", nil
		}
		undo = append(undo, id)
	}
	return "booked", nil
}

func approval(ctx context.Context, in Input) (string, error) {
	answered, err := step.WaitForEvent(ctx, "approval", inngestkit.DefineEvent[Order]("order/approved"), step.Timeout(time.Hour))
	if errors.Is(err, step.ErrTimeout) {
		return "expired", nil
	}
	if err != nil {
		return "", err
	}
	step.Sleep(ctx, "cool-down", time.Minute)
	order := answered.Data
	if _, err := step.Run(ctx, "ship", func(ctx context.Context) (none, error) {
		order.Status = "shipped"
		return none{}, pay(ctx, order)
	}); err != nil {
		return "", err
	}
	return answered.Data.ID, nil
}

func transaction(ctx context.Context, in Input) (int, error) {
	var tx *sql.Tx
	var rows int64
	n, err := step.Run(ctx, "store", func(ctx context.Context) (n int, err error) {
		defer func() {
			if tx != nil {
				err = errors.Join(err, tx.Rollback())
			}
		}()
		rows++
		n = int(rows)
		return n, nil
	})
	return n, err
}

func mapped(ctx context.Context, in Input) (int, error) {
	prices, err := step.Map(ctx, "price", in.Event.Data.Items, func(ctx context.Context, item Item) (int, error) {
		item.Price++
		in := item
		in.Price++
		return in.Price, nil
	})
	sum := 0
	for _, p := range prices {
		sum += p
	}
	return sum, err
}

func jump(ctx context.Context, in Input) (int, error) {
	total := 0
again:
	n, err := step.Run(ctx, "n", func(ctx context.Context) (int, error) { total = 4; return total, nil })
	if err == nil && n > 10 {
		goto again
	}
	total = n
	return total, err
}

func unsynchronised(ctx context.Context, in Input) (none, error) {
	started := time.Now()
	_, err := step.Run(ctx, "log", func(ctx context.Context) (none, error) {
		started := started.Add(time.Second)
		fmt.Fprintln(os.Stderr, time.Since(started))
		return none{}, nil
	})
	log.Println(time.Since(started))
	return none{}, err
}

func replacedContext(ctx context.Context, in Input) (none, error) {
	if _, err := step.Run(ctx, "a", func(context.Context) (none, error) {
		ctx = context.WithoutCancel(ctx)
		return none{}, pay(ctx, in.Event.Data)
	}); err != nil {
		return none{}, err
	}
	return step.Run(ctx, "b", func(ctx context.Context) (none, error) { return none{}, nil })
}

func ofTheSDK(ctx context.Context, in inngestgo.Input[Order]) (any, error) {
	total := 0
	total, err := sdkstep.Run(ctx, "charge", func(ctx context.Context) (int, error) { total = 3; return total, nil })
	return total, err
}

// Functions are those with the position of their code.
var Functions = []any{
	returned, assignedFromTheResult, assignedAfterTheStep, assignedOnEveryPath, sharedError, into, intoFields,
	branchWithSeveralSteps, branchesThatAssignElements, onlyInTheCallback, readBefore, onAnotherPath, declaredInTheLoop,
	loopVariable, otherField, otherElement, shadowed, keyOfALiteral, silenced, packageVariable, counterOfATest(),
	(&service{}).receiver, (&service{}).throughLocals, throughParameter, cache, lazyClient, lazyFunction, cleanedUp,
	filledByAnotherFunction, filledThroughAPointer, storedPointer, resetByItsMethod, assignedByALocalFunction,
	callbackOfALibrary, inBranchesThatAssign, pages, compensation, approval, transaction, mapped, jump, unsynchronised,
	replacedContext, ofTheSDK,
}
