// Package guide has the code and the tests that docs/testing.md shows.
package guide

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// The events of the shop.
var (
	userCreated     = inngestkit.DefineEvent[User]("user.created")
	userWelcomed    = inngestkit.DefineEvent[User]("user.welcomed")
	expenseFiled    = inngestkit.DefineEvent[Expense]("expense.filed")
	expenseApproved = inngestkit.DefineEvent[Approval]("expense.approved")
)

// User is a user.
type User struct {
	UserID string `json:"userId"`
	Email  string `json:"email"`
}

// Expense is an expense that somebody has to approve.
type Expense struct {
	ExpenseID string `json:"expenseId"`
	Cents     int    `json:"cents"`
}

// Approval is the answer.
type Approval struct {
	ExpenseID string `json:"expenseId"`
	By        string `json:"by"`
}

// Sent is the result of a mail.
type Sent struct {
	EmailSent bool   `json:"emailSent"`
	To        string `json:"to"`
}

// Shop has the functions.
type Shop struct {
	mail func(ctx context.Context, to, template string) error
}

var errMailDown = errors.New("email service unavailable")

// Welcome returns the function that welcomes a user with two mails, the second a week later.
func (s *Shop) Welcome() inngestkit.TypedFunction[User, Sent] {
	return inngestkit.OnEvent("welcome-new-user", userCreated, s.welcome)
}

func (s *Shop) welcome(ctx context.Context, in inngestkit.Input[User]) (Sent, error) {
	user := in.Event.Data
	sent, err := step.Run(ctx, "send-welcome-email", func(ctx context.Context) (Sent, error) {
		return Sent{true, user.Email}, s.mail(ctx, user.Email, "welcome")
	})
	if err != nil {
		return Sent{}, err
	}
	step.Sleep(ctx, "wait-a-week", 7*24*time.Hour)
	_, err = step.Run(ctx, "send-tips", func(ctx context.Context) (Sent, error) {
		return Sent{true, user.Email}, s.mail(ctx, user.Email, "tips")
	})
	if err != nil {
		return Sent{}, err
	}
	_, err = step.SendEvent(ctx, "announce", userWelcomed.New(user))
	return sent, err
}

// approveExpense waits a week for an approval.
func approveExpense(ctx context.Context, _ inngestkit.Input[Expense]) (string, error) {
	approval, err := step.WaitForEvent(ctx, "approval", expenseApproved,
		step.Match("data.expenseId"), step.Timeout(7*24*time.Hour))
	if errors.Is(err, step.ErrTimeout) {
		return "expired", nil
	}
	if err != nil {
		return "", err
	}
	return "approved by " + approval.Data.By, nil
}

var approve = inngestkit.OnEvent("approve-expense", expenseFiled, approveExpense)

// Users is code outside of functions, which only sends.
type Users struct{ app *inngestkit.App }

// Create creates a user.
func (u *Users) Create(ctx context.Context, email string) error {
	_, err := u.app.Send(ctx, userCreated.New(User{UserID: "u1", Email: email}))
	if err != nil {
		return fmt.Errorf("the user was created, but not announced: %w", err)
	}
	return nil
}

// newRouter returns the routes of the program, as main serves them.
func newRouter(app *inngestkit.App) http.Handler {
	mux := http.NewServeMux()
	inngesthttp.Mount(mux, app)
	return mux
}
