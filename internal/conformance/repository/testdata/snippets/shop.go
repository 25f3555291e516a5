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

	User    struct{ Name string }
	Plan    struct{ Name string }
	Payment struct{ TransactionID string }
)

var (
	userCreated    = inngestkit.DefineEvent[UserCreated]("user.created")
	emailVerified  = inngestkit.DefineEvent[UserCreated]("user.email-verified")
	orderPlaced    = inngestkit.DefineEvent[Order]("order.placed")
	orderCancelled = inngestkit.DefineEvent[Order]("order.cancelled")

	welcomeFunction = inngestkit.OnEvent("welcome-new-user", userCreated,
		func(ctx context.Context, in inngestkit.Input[UserCreated]) (string, error) {
			return in.Event.Data.UserID, nil
		})
)

type (
	mailer  struct{}
	banker  struct{}
	stock   struct{}
	tracker struct{}
)

func (mailer) Welcome(_ context.Context, email string) (string, error)  { return email, nil }
func (mailer) Tip(_ context.Context, email, tip string) (string, error) { return email + tip, nil }

func (banker) Charge(_ context.Context, orderID string, _ int) (Payment, error) {
	return Payment{TransactionID: orderID}, nil
}
func (banker) Refund(context.Context, string, string) error { return nil }

func (stock) Remove(context.Context, string) error { return nil }

func (tracker) Report(string) {}

var (
	mail         mailer
	bank         banker
	inventory    stock
	errorTracker tracker

	user        = UserCreated{UserID: "u1", Email: "ada@example.com"}
	order       = Order{OrderID: "o1", UserID: "u1", Plan: "pro", Amount: 2000}
	orders      = []Order{order, {OrderID: "o2"}}
	errDeclined = errors.New("declined")
	errBusy     = errors.New("busy")

	audit       inngestkit.Middleware
	vaultLookup = func(context.Context, string) (string, bool, error) { return "", false, nil }
	r           *gin.Engine
	server      = &http.Server{}
	shutdownCtx = context.Background()
	connected   = make(chan error, 1)
	err         error
	openAIKey   inngestkit.Secret
	messages    []any

	handleOrder = func(_ context.Context, in inngestkit.Input[Order]) (string, error) { return in.Event.Data.OrderID, nil }
	cleanUp     = func(context.Context, inngestkit.Input[any]) (string, error) { return "", nil }

	chooseTips     = func(context.Context) ([]string, error) { return []string{"search", "export"}, nil }
	generateReport = func(context.Context) (string, error) { return "report", nil }
	sendReminder   = func(context.Context) (string, error) { return "mail", nil }
	notify         = func(context.Context) (string, error) { return "mail", nil }
	charge         = func(context.Context) (Payment, error) { return Payment{}, inngestkit.NoRetry(errDeclined) }
	loadUser       = func(context.Context) (User, error) { return User{Name: "Ada"}, nil }
	loadPlan       = func(context.Context) (Plan, error) { return Plan{Name: "pro"}, nil }
)
