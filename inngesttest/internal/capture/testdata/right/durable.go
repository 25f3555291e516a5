package right

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"slices"
	"time"

	"github.com/inngest/inngestgo"
	sdkstep "github.com/inngest/inngestgo/step"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

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
