// Package wrong has functions that pass a value out of a step's callback in a variable. A
// comment marks where the callback changes it, and one where the function misses that.
package wrong

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/inngest/inngestgo"
	sdkgroup "github.com/inngest/inngestgo/group"
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

type (
	Input = inngestkit.Input[Order]
	none  = struct{}
)

func price(context.Context, string) int           { return 1 }
func load(context.Context, string) (Order, error) { return Order{}, nil }
func pay(context.Context, Order) error            { return nil }
func body() []byte                                { return nil }

func assign(ctx context.Context, in Input) (int, error) {
	total := 0
	_, err := step.Run(ctx, "charge", func(ctx context.Context) (none, error) {
		total = price(ctx, in.Event.Data.ID) // changes total
		return none{}, nil
	})
	return total, err // reads total
}

func increment(ctx context.Context, in Input) (int, error) {
	tries := 0
	_, err := step.Run(ctx, "try", func(ctx context.Context) (none, error) {
		tries++ // changes tries
		return none{}, nil
	})
	if err != nil {
		return tries, err
	}
	return tries, err // reads tries
}

func addAssign(ctx context.Context, in Input) (int, error) {
	var total int
	for _, item := range in.Event.Data.Items {
		if _, err := step.Run(ctx, "price", func(ctx context.Context) (int, error) {
			total += price(ctx, item.Name) // changes total
			return 0, nil
		}); err != nil {
			return 0, err
		}
	}
	return total, nil // reads total
}

func appended(ctx context.Context, in Input) (int, error) {
	var names []string
	_, err := step.Run(ctx, "names", func(ctx context.Context) (any, error) {
		names = append(names, "a") // changes names
		return nil, nil
	})
	return len(names), err // reads names
}

func fieldOfNewStruct(ctx context.Context, in Input) (string, error) {
	order := Order{ID: "o1"}
	_, err := step.Run(ctx, "pay", func(ctx context.Context) (any, error) {
		order.Status = "paid" // changes order.Status
		return nil, nil
	})
	if err != nil {
		return "", err
	}
	return order.Status, nil // reads order.Status
}

func fieldOfStepResult(ctx context.Context, in Input) (Order, error) {
	order, err := step.Run(ctx, "load", func(ctx context.Context) (*Order, error) { return &Order{}, nil })
	if err != nil {
		return Order{}, err
	}
	if _, err := step.Run(ctx, "pay", func(ctx context.Context) (any, error) {
		order.Items[0].Price = 3 // changes order.Items[0].Price
		return nil, nil
	}); err != nil {
		return Order{}, err
	}
	return *order, nil // reads order
}

func fieldOfInput(ctx context.Context, in Input) (int, error) {
	_, err := step.Run(ctx, "pay", func(ctx context.Context) (any, error) {
		in.Event.Data.Total = 3 // changes in.Event.Data.Total
		return nil, nil
	})
	return in.Event.Data.Total, err // reads in.Event.Data.Total
}

func copyOfInput(ctx context.Context, in Input) (any, error) {
	order := in.Event.Data
	if _, err := step.Run(ctx, "pay", func(ctx context.Context) (any, error) {
		order.Notes["paid"] = "yes" // changes order.Notes["paid"]
		return nil, nil
	}); err != nil {
		return nil, err
	}
	return order.Notes, nil // reads order.Notes
}

func mapElement(ctx context.Context, in Input) (map[string]int, error) {
	prices := map[string]int{}
	for _, item := range in.Event.Data.Items {
		if _, err := step.Run(ctx, "price-"+item.Name, func(ctx context.Context) (any, error) {
			prices[item.Name] = price(ctx, item.Name) // changes prices[item.Name]
			return nil, nil
		}); err != nil {
			return nil, err
		}
	}
	return prices, nil // reads prices
}

func mapLength(ctx context.Context, in Input) (int, error) {
	prices := make(map[string]int)
	_, err := step.Run(ctx, "price", func(ctx context.Context) (any, error) {
		prices["a"] = 1 // changes prices["a"]
		return nil, nil
	})
	return len(prices), err // reads prices
}

func sliceElement(ctx context.Context, in Input) (int, error) {
	prices := make([]int, len(in.Event.Data.Items))
	for i, item := range in.Event.Data.Items {
		_, _ = step.Run(ctx, "price", func(ctx context.Context) (any, error) {
			prices[i] = price(ctx, item.Name) // changes prices[i]
			return nil, nil
		})
	}
	sum := 0
	for _, p := range prices { // reads prices
		sum += p
	}
	return sum, nil
}

func pointer(ctx context.Context, in Input) (int, error) {
	total := 0
	p := &total
	_, err := step.Run(ctx, "charge", func(ctx context.Context) (any, error) {
		*p = 5 // changes *p
		return nil, nil
	})
	return total, err // reads total
}

func newPointer(ctx context.Context, in Input) (int, error) {
	total := new(int)
	_, err := step.Run(ctx, "charge", func(ctx context.Context) (any, error) {
		*total = 5 // changes *total
		return nil, nil
	})
	return *total, err // reads *total
}

func errorVariable(ctx context.Context, in Input) (string, error) {
	var cause error
	_, err := step.Run(ctx, "charge", func(ctx context.Context) (any, error) {
		_, cause = load(ctx, "x") // changes cause
		return nil, nil
	})
	if err != nil {
		return "", err
	}
	if cause != nil { // reads cause
		return "", cause
	}
	return "fine", nil
}

func sameError(ctx context.Context, in Input) (string, error) {
	var err error
	step.Run(ctx, "charge", func(ctx context.Context) (any, error) { //nolint:errcheck // the mistake
		err = errors.New("declined") // changes err
		return nil, nil
	})
	return "", err // reads err
}

func usedByTheNextStep(ctx context.Context, in Input) (any, error) {
	var order Order
	if _, err := step.Run(ctx, "load", func(ctx context.Context) (any, error) {
		var err error
		order, err = load(ctx, in.Event.Data.ID) // changes order
		return nil, err
	}); err != nil {
		return nil, err
	}
	return step.Run(ctx, "pay", func(ctx context.Context) (any, error) {
		return nil, pay(ctx, order) // reads order
	})
}

func namedResult(ctx context.Context, in Input) (total int, err error) {
	_, err = step.Run(ctx, "charge", func(ctx context.Context) (any, error) {
		total = 3 // changes total
		return nil, nil
	})
	return // reads total
}

func readInLoop(ctx context.Context, in Input) (int, error) {
	done := false
	n := 0
	for !done { // reads done
		n++
		if _, err := step.Run(ctx, "poll", func(ctx context.Context) (any, error) {
			done = price(ctx, "x") > 3 // changes done
			return nil, nil
		}); err != nil {
			return 0, err
		}
		step.Sleep(ctx, "pause", time.Second)
	}
	return n, nil
}

func readEarlierInLoop(ctx context.Context, in Input) (int, error) {
	cursor := ""
	for range 3 {
		fmt.Println("page", cursor) // reads cursor
		_, _ = step.Run(ctx, "page", func(ctx context.Context) (any, error) {
			cursor = "next" // changes cursor
			return nil, nil
		})
	}
	return 0, nil
}

func onlyOneBranchAssigns(ctx context.Context, in Input) (int, error) {
	total := 0
	_, _ = step.Run(ctx, "charge", func(ctx context.Context) (any, error) {
		total = 3 // changes total
		return nil, nil
	})
	if in.Event.Data.ID == "" {
		total = 4
	}
	return total, nil // reads total
}

func inSwitch(ctx context.Context, in Input) (int, error) {
	total := 0
	switch in.Event.Data.Status {
	case "new":
		_, _ = step.Run(ctx, "charge", func(ctx context.Context) (any, error) {
			total = 3 // changes total
			return nil, nil
		})
		fallthrough
	case "open":
		fmt.Println(total) // reads total
	default:
		return 0, nil
	}
	return 0, nil
}

func labeledContinue(ctx context.Context, in Input) (int, error) {
	seen := 0
outer:
	for range 3 {
		for range 2 {
			if seen > 1 { // reads seen
				break outer
			}
			_, _ = step.Run(ctx, "see", func(ctx context.Context) (any, error) {
				seen++ // changes seen
				return nil, nil
			})
			continue outer
		}
	}
	return 0, nil
}

func decoded(ctx context.Context, in Input) (Order, error) {
	var order Order
	_, err := step.Run(ctx, "load", func(ctx context.Context) (any, error) {
		return nil, json.Unmarshal(body(), &order) // changes order
	})
	return order, err // reads order
}

func inParallelBranch(ctx context.Context, in Input) (int, error) {
	var left, right int
	err := step.Parallel(ctx,
		func(ctx context.Context) error {
			_, err := step.Run(ctx, "left", func(ctx context.Context) (any, error) {
				left = 1 // changes left
				return nil, nil
			})
			return err
		},
		func(ctx context.Context) (err error) {
			right, err = step.Run(ctx, "right", func(ctx context.Context) (int, error) { return 2, nil })
			return err
		},
	)
	if err != nil {
		return 0, err
	}
	return left + right, nil // reads left
}

func inBranchItself(ctx context.Context, in Input) (any, error) {
	return nil, step.Parallel(ctx, func(ctx context.Context) error {
		id := ""
		if _, err := step.Run(ctx, "make", func(ctx context.Context) (any, error) {
			id = "i1" // changes id
			return nil, nil
		}); err != nil {
			return err
		}
		_, err := step.Run(ctx, "use-"+id, func(ctx context.Context) (any, error) { return nil, nil }) // reads id
		return err
	})
}

func branchesInSlice(ctx context.Context, in Input) (int, error) {
	sum := 0
	var branches []func(context.Context) error
	for _, item := range in.Event.Data.Items {
		branches = append(branches, func(ctx context.Context) error {
			_, err := step.Run(ctx, "price", func(ctx context.Context) (any, error) {
				sum += item.Price // changes sum
				return nil, nil
			})
			return err
		})
	}
	if err := step.Parallel(ctx, branches...); err != nil {
		return 0, err
	}
	return sum, nil // reads sum
}

func inMap(ctx context.Context, in Input) (int, error) {
	sum := 0
	_, err := step.Map(ctx, "price", in.Event.Data.Items, func(ctx context.Context, item Item) (any, error) {
		sum += item.Price // changes sum
		return nil, nil
	})
	return sum, err // reads sum
}

func beside(ctx context.Context, in Input) (string, error) {
	var order Order
	found := false
	err := step.Parallel(ctx, step.Into(&order, "load", func(ctx context.Context) (Order, error) {
		found = true // changes found
		return load(ctx, in.Event.Data.ID)
	}))
	if err != nil || !found { // reads found
		return "", err
	}
	return order.ID, nil
}

func nestedLiteral(ctx context.Context, in Input) (int, error) {
	total := 0
	retry := func(f func() error) error { return f() }
	_, err := step.Run(ctx, "charge", func(ctx context.Context) (any, error) {
		return nil, retry(func() error {
			total = 3 // changes total
			return nil
		})
	})
	return total, err // reads total
}

func callbackInVariable(ctx context.Context, in Input) (int, error) {
	total := 0
	charge := func(ctx context.Context) (any, error) {
		total = 3 // changes total
		return nil, nil
	}
	_, err := step.Run(ctx, "charge", charge)
	return total, err // reads total
}

func localFunction(ctx context.Context, in Input) (int, error) {
	total := 0
	charge := func(id string) error {
		_, err := step.Run(ctx, id, func(ctx context.Context) (any, error) {
			total++ // changes total
			return nil, nil
		})
		return err
	}
	if err := charge("a"); err != nil {
		return 0, err
	}
	return total, charge("b") // reads total
}

func calledAtOnce(ctx context.Context, in Input) (int, error) {
	total := 0
	func() {
		_, _ = step.Run(ctx, "charge", func(ctx context.Context) (any, error) {
			total = 3 // changes total
			return nil, nil
		})
	}()
	return total, nil // reads total
}

func deferArgument(ctx context.Context, in Input) (any, error) {
	id := ""
	_, _ = step.Run(ctx, "lock", func(ctx context.Context) (any, error) {
		id = "lock" // changes id
		return nil, nil
	})
	defer fmt.Println(id) // reads id
	return nil, nil
}

func withExplicitType(ctx context.Context, in Input) (int, error) {
	total := 0
	_, err := step.Run[any](ctx, "charge", func(ctx context.Context) (any, error) {
		total = 3 // changes total
		return nil, nil
	})
	return total, err // reads total
}

func ofTheSDK(ctx context.Context, in inngestgo.Input[Order]) (any, error) {
	total := 0
	_, err := sdkstep.Run(ctx, "charge", func(ctx context.Context) (any, error) {
		total = 3 // changes total
		return nil, nil
	})
	return total, err // reads total
}

func groupOfTheSDK(ctx context.Context, in inngestgo.Input[Order]) (any, error) {
	total := 0
	results := sdkgroup.Parallel(ctx, func(ctx context.Context) (any, error) {
		return sdkstep.Run(ctx, "charge", func(ctx context.Context) (any, error) {
			total = 3 // changes total
			return nil, nil
		})
	})
	return total, results.AnyError() // reads total
}

func helperIsWrong(ctx context.Context, in Input) (int, error) { return charged(ctx, in.Event.Data) }

func charged(ctx context.Context, order Order) (int, error) {
	total := 0
	_, err := step.Run(ctx, "charge", func(ctx context.Context) (any, error) {
		total = order.Total // changes total
		return nil, nil
	})
	return total, err // reads total
}

type service struct{ prices map[string]int }

func (s *service) handle(ctx context.Context, in Input) (int, error) {
	return s.deep(ctx, in.Event.Data.ID)
}

func (s *service) deep(ctx context.Context, id string) (int, error) {
	price := 0
	_, err := step.Run(ctx, "price", func(ctx context.Context) (any, error) {
		price = s.prices[id] // changes price
		return nil, nil
	})
	return price, err // reads price
}

func generic[T any](ctx context.Context, in inngestkit.Input[T]) (T, error) {
	var data T
	_, err := step.Run(ctx, "copy", func(ctx context.Context) (any, error) {
		data = in.Event.Data // changes data
		return nil, nil
	})
	return data, err // reads data
}

func factory() func(ctx context.Context, in Input) (int, error) {
	calls := 0
	return func(ctx context.Context, in Input) (int, error) {
		total := 0
		_, err := step.Run(ctx, "charge", func(ctx context.Context) (any, error) {
			calls++
			total = calls // changes total
			return nil, nil
		})
		return total, err // reads total
	}
}

func parameter(ctx context.Context, in Input) (int, error) { return discounted(ctx, 5) }

func discounted(ctx context.Context, total int) (int, error) {
	if _, err := step.Run(ctx, "discount", func(ctx context.Context) (any, error) {
		total -= 3 // changes total
		return nil, nil
	}); err != nil {
		return 0, err
	}
	return total, nil // reads total
}

func localFunctionWithoutEnd(ctx context.Context, in Input) (int, error) {
	total, n := 0, 0
	_, err := step.Run(ctx, "charge", func(ctx context.Context) (any, error) {
		total = 3 // changes total
		return nil, nil
	})
	count := func() int {
		for {
			if n++; n > 3 {
				return n
			}
		}
	}
	return count() + total, err // reads total
}

func someCasesAssign(ctx context.Context, in Input) (int, error) {
	total := 0
	_, err := step.Run(ctx, "charge", func(ctx context.Context) (any, error) {
		total = 3 // changes total
		return nil, nil
	})
	switch in.Event.Data.Status {
	case "new":
		total = 1
	case "old":
		total = 2
	}
	return total, err // reads total
}

func inDeferredFunction(ctx context.Context, in Input) (any, error) {
	defer func() {
		total := 0
		_, _ = step.Run(ctx, "charge", func(ctx context.Context) (any, error) {
			total = 3 // changes total
			return nil, nil
		})
		fmt.Println(total) // reads total
	}()
	return nil, nil
}

// Functions are those with the position of their code.
var Functions = []any{
	assign, increment, addAssign, appended, fieldOfNewStruct, fieldOfStepResult, fieldOfInput, copyOfInput, mapElement,
	mapLength, sliceElement, pointer, newPointer, errorVariable, sameError, usedByTheNextStep, namedResult, readInLoop,
	readEarlierInLoop, onlyOneBranchAssigns, inSwitch, labeledContinue, decoded, inParallelBranch, inBranchItself,
	branchesInSlice, inMap, beside, nestedLiteral, callbackInVariable, localFunction, calledAtOnce, deferArgument,
	withExplicitType, ofTheSDK, groupOfTheSDK, helperIsWrong, (&service{}).handle, (*service).handle, generic[Order],
	generic[string], factory(), parameter, localFunctionWithoutEnd, someCasesAssign, inDeferredFunction,
}
