// Package onboarding leads a new user through the first month: a welcome mail, two days to
// verify the address, a series of tips, and a request for feedback.
package onboarding

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// The events of this package.
var (
	UserRegistered    = inngestkit.DefineEvent[Registered]("user.registered")
	EmailVerified     = inngestkit.DefineEvent[Verified]("user.email-verified")
	TipsScheduled     = inngestkit.DefineEvent[FollowUp]("user.schedule-tips-series")
	FeedbackScheduled = inngestkit.DefineEvent[FollowUp]("user.schedule-feedback-request")
)

// Registered is the data of the event sent when a user has signed up.
type Registered struct {
	UserID string `json:"userId"`
	Email  string `json:"email"`
	Name   string `json:"name"`
}

// Verified is the data of the event sent when a user has followed the link in the mail.
type Verified struct {
	UserID     string    `json:"userId"`
	VerifiedAt time.Time `json:"verifiedAt"`
}

// FollowUp is the data of the events that start what happens later.
type FollowUp struct {
	UserID string    `json:"userId"`
	Email  string    `json:"email"`
	Begins time.Time `json:"begins"`
}

// Onboarding has the durable functions. Its fields are their dependencies.
type Onboarding struct {
	Mail  Mailer
	Users Users
}

// Mailer sends a mail that is made from a template.
type Mailer interface {
	Send(ctx context.Context, to, template string, values ...string) error
}

// Users is where users are stored.
type Users interface {
	SetVerified(ctx context.Context, userID string, verified bool) error
	CreateProfile(ctx context.Context, userID string) error
	Tips(ctx context.Context, userID string) ([]string, error)
}

// Functions returns all functions of this package.
func (o *Onboarding) Functions() []inngestkit.Function {
	return []inngestkit.Function{o.Flow(), o.Tips(), o.Feedback()}
}

// Result is the output of user-onboarding-flow.
type Result struct {
	UserID     string    `json:"userId"`
	Status     string    `json:"status"`
	VerifiedAt time.Time `json:"verifiedAt,omitzero"`
}

// Flow returns the function that runs for every new user.
func (o *Onboarding) Flow() inngestkit.TypedFunction[Registered, Result] {
	return inngestkit.OnEvent("user-onboarding-flow", UserRegistered, o.flow)
}

// Tips returns the function that sends one tip every three days.
func (o *Onboarding) Tips() inngestkit.TypedFunction[FollowUp, int] {
	return inngestkit.OnEvent("send-tip-series", TipsScheduled, o.tips)
}

// Feedback returns the function that asks for feedback.
func (o *Onboarding) Feedback() inngestkit.TypedFunction[FollowUp, any] {
	return inngestkit.OnEvent("request-feedback", FeedbackScheduled, o.feedback)
}

func (o *Onboarding) flow(ctx context.Context, in inngestkit.Input[Registered]) (Result, error) {
	user := in.Event.Data
	err := do(ctx, "send-welcome-email", func(ctx context.Context) error {
		return o.Mail.Send(ctx, user.Email, "welcome", "https://app.example.com/verify?token="+rand.Text())
	})
	if err != nil {
		return Result{}, err
	}

	verified, err := step.WaitForEvent(ctx, "wait-for-email-verification", EmailVerified,
		step.Match("data.userId"), step.Timeout(48*time.Hour))
	if errors.Is(err, step.ErrTimeout) {
		return Result{UserID: user.UserID, Status: "verification-timeout"}, o.remind(ctx, user)
	}
	if err != nil {
		return Result{}, err
	}

	err = do(ctx, "setup-user-profile", func(ctx context.Context) error {
		return errors.Join(o.Users.SetVerified(ctx, user.UserID, true), o.Users.CreateProfile(ctx, user.UserID))
	})
	if err != nil {
		return Result{}, err
	}
	err = do(ctx, "send-completion-email", func(ctx context.Context) error {
		return o.Mail.Send(ctx, user.Email, "onboarding-complete")
	})
	if err != nil {
		return Result{}, err
	}

	// The dates count from the verification, which is the same in every call. time.Now is not.
	begins := verified.Data.VerifiedAt
	_, err = step.SendEvent(ctx, "schedule-follow-ups",
		TipsScheduled.New(FollowUp{user.UserID, user.Email, begins.AddDate(0, 0, 7)}),
		FeedbackScheduled.New(FollowUp{user.UserID, user.Email, begins.AddDate(0, 0, 30)}))
	return Result{UserID: user.UserID, Status: "completed", VerifiedAt: begins}, err
}

// remind is what happens if the address is not verified in time.
func (o *Onboarding) remind(ctx context.Context, user Registered) error {
	return do(ctx, "send-verification-reminder", func(ctx context.Context) error {
		if err := o.Mail.Send(ctx, user.Email, "verification-reminder"); err != nil {
			return err
		}
		return o.Users.SetVerified(ctx, user.UserID, false)
	})
}

func (o *Onboarding) tips(ctx context.Context, in inngestkit.Input[FollowUp]) (sent int, err error) {
	user := in.Event.Data
	step.SleepUntil(ctx, "wait-for-first-tip", user.Begins)
	tips, err := step.Run(ctx, "choose-tips", func(ctx context.Context) ([]string, error) {
		return o.Users.Tips(ctx, user.UserID)
	})
	if err != nil {
		return 0, err
	}
	for i, tip := range tips {
		if i > 0 {
			step.Sleep(ctx, fmt.Sprintf("wait-between-tips-%d", i), 3*24*time.Hour)
		}
		err := do(ctx, fmt.Sprintf("send-tip-%d", i+1), func(ctx context.Context) error {
			return o.Mail.Send(ctx, user.Email, "tip", tip)
		})
		if err != nil {
			return i, err
		}
	}
	return len(tips), nil
}

func (o *Onboarding) feedback(ctx context.Context, in inngestkit.Input[FollowUp]) (any, error) {
	step.SleepUntil(ctx, "wait-for-feedback-date", in.Event.Data.Begins)
	return nil, do(ctx, "send-feedback-request", func(ctx context.Context) error {
		return o.Mail.Send(ctx, in.Event.Data.Email, "feedback")
	})
}

// do runs a step without a result.
func do(ctx context.Context, id string, fn func(ctx context.Context) error) error {
	_, err := step.Run(ctx, id, func(ctx context.Context) (any, error) { return nil, fn(ctx) })
	return err
}
