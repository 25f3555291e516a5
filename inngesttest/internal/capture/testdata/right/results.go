package right

import (
	"context"
	"errors"

	"github.com/inngestkit/inngestkit/core/step"
)

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
