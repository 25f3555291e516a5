package snippets

import (
	"context"
	"database/sql"
	"errors"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

type (
	UserCreated struct{ Email string }
	Order       struct {
		OrderID string
		Amount  int
		Key     string
	}
	Payment  struct{ TransactionID string }
	User     struct{}
	Plan     struct{}
	Prepared struct {
		User User
		Plan Plan
	}
	Page struct {
		Rows int
		Next string
	}
	Mailer interface {
		Welcome(ctx context.Context, email string) (string, error)
	}
)

var (
	bank interface {
		Charge(ctx context.Context, orderID string, amount int) (Payment, error)
	}
	db          *sql.DB
	in          inngestkit.Input[Order]
	order       Order
	errDeclined = errors.New("declined")
	errBusy     = errors.New("busy")

	userCreated inngestkit.EventType[UserCreated]
	orderPlaced inngestkit.EventType[Order]

	export     func(ctx context.Context, in inngestkit.Input[Order]) (string, error)
	notify     func(ctx context.Context) (string, error)
	loadUser   func(ctx context.Context) (User, error)
	loadPlan   func(ctx context.Context) (Plan, error)
	importPage func(ctx context.Context, key, cursor string) (Page, error)
)
