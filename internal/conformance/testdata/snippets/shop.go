package snippets

// The shop that the pages on features use in their examples. What a page declares itself
// takes the place of what is here.

import (
	"context"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

type (
	UserCreated struct {
		UserID string `json:"userId"`
		Email  string `json:"email"`
	}
	Order struct {
		OrderID string `json:"orderId"`
		UserID  string `json:"userId"`
		Plan    string `json:"plan"`
		Amount  int    `json:"amount"`
	}

	User    struct{}
	Plan    struct{}
	Payment struct{ TransactionID string }
)

var (
	userCreated, emailVerified  inngestkit.EventType[UserCreated]
	orderPlaced, orderCancelled inngestkit.EventType[Order]
	welcomeFunction             inngestkit.TypedFunction[UserCreated, string]
)

var (
	mail interface {
		Welcome(ctx context.Context, email string) (string, error)
		Tip(ctx context.Context, email, tip string) (string, error)
	}
	bank interface {
		Charge(ctx context.Context, orderID string, amount int) (Payment, error)
		Refund(ctx context.Context, orderID, reason string) error
	}
	inventory interface {
		Remove(ctx context.Context, orderID string) error
	}

	errorTracker interface{ Report(message string) }

	user        UserCreated
	order       Order
	orders      []Order
	errDeclined = errors.New("declined")
	errBusy     = errors.New("busy")

	audit       inngestkit.Middleware
	vaultLookup inngestkit.Lookup
	r           *gin.Engine
	server      *http.Server
	shutdownCtx context.Context
	connected   chan error
	err         error
	openAIKey   inngestkit.Secret
	messages    []any

	handleOrder                  func(ctx context.Context, in inngestkit.Input[Order]) (string, error)
	cleanUp                      func(ctx context.Context, in inngestkit.Input[any]) (string, error)
	chooseTips                   func(ctx context.Context) ([]string, error)
	generateReport, sendReminder func(ctx context.Context) (string, error)
	notify                       func(ctx context.Context) (string, error)
	charge                       func(ctx context.Context) (Payment, error)
	loadUser                     func(ctx context.Context) (User, error)
	loadPlan                     func(ctx context.Context) (Plan, error)
)
