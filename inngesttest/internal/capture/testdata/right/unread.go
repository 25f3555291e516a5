package right

import (
	"context"
	"fmt"
	"log"

	"github.com/inngestkit/inngestkit/core/step"
)

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
