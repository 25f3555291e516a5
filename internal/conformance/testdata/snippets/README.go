package snippets

import (
	"context"
	"database/sql"

	"github.com/inngest/inngestgo"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

type (
	Order struct {
		ID string `json:"orderId"`
	}
	User struct{}
	Plan struct{}
	Row  struct{}
)

var (
	mail interface {
		Welcome(ctx context.Context, email string) (string, error)
	}
	err    error
	db     *sql.DB
	audit  inngestkit.Middleware
	client inngestgo.Client
	user   User
	plan   Plan
	orders []Order

	orderPlaced, orderCancelled inngestkit.EventType[Order]
	rowsAdded                   inngestkit.EventType[Row]
	chargeFunction              inngestkit.TypedFunction[Order, string]

	report         func(ctx context.Context, in inngestkit.CronInput) (string, error)
	charge         func(ctx context.Context, in inngestkit.Input[Order]) (string, error)
	refund         func(ctx context.Context, in inngestkit.Input[inngestkit.FailedRun[Order]]) (any, error)
	importRows     func(ctx context.Context, in inngestkit.Input[Row]) (any, error)
	toErrorTracker func(ctx context.Context, panicked *inngestkit.PanicError)
	loadUser       func(ctx context.Context) (User, error)
	loadPlan       func(ctx context.Context) (Plan, error)
	chargeOrder    func(ctx context.Context, order Order) (string, error)
)
