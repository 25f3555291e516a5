package main

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// Users has the durable functions for users. Its fields are their dependencies.
type Users struct{ mail Mailer }

// Mailer sends mail.
type Mailer interface {
	// Welcome sends the welcome mail, with a voucher, and returns the mail's ID.
	Welcome(ctx context.Context, email, voucher string) (string, error)
}

// Functions returns the functions of Users. They do nothing until an app registers
// them.
func (u *Users) Functions() []inngestkit.Function {
	return []inngestkit.Function{
		inngestkit.OnEvent("welcome-new-user", userCreated, u.welcome,
			flow.Retries(3),
			flow.Concurrency(1, flow.Key("event.data.userId")),
		),
		inngestkit.OnEvent("start-trial", userActivated, u.startTrial),
	}
}

// Welcomed is the output of welcome-new-user.
type Welcomed struct {
	UserID   string `json:"userId"`
	Voucher  string `json:"voucher"`
	MailID   string `json:"mailId"`
	Verified bool   `json:"verified"`
}

// welcome runs for every new user. It reads like one long call, but it may take a
// day, and it survives restarts: the Inngest server calls it again after each step,
// with the memoized results of the earlier steps. Those steps do not run again. So
// anything that has an effect, or may have another result the next time, belongs in a
// step. The code between the steps only decides what to do next.
func (u *Users) welcome(ctx context.Context, in inngestkit.Input[UserCreated]) (Welcomed, error) {
	user := in.Event.Data

	// A random value differs in every call, but a step draws it once.
	voucher, err := step.Run(ctx, "draw-voucher", func(context.Context) (string, error) {
		return rand.Text()[:6], nil
	})
	if err != nil {
		return Welcomed{}, err
	}

	// If the mail server is busy, only this step is retried.
	mailID, err := step.Run(ctx, "send-welcome-mail", func(ctx context.Context) (string, error) {
		return u.mail.Welcome(ctx, user.Email, voucher)
	})
	if err != nil {
		return Welcomed{}, err // no retries are left
	}
	welcomed := Welcomed{UserID: user.UserID, Voucher: voucher, MailID: mailID}

	// While the run sleeps or waits, this program uses no resources for it.
	step.Sleep(ctx, "let-mail-arrive", 2*time.Second)

	_, err = step.WaitForEvent(ctx, "wait-for-verification", emailVerified,
		step.Timeout(24*time.Hour), step.Match("data.userId"))
	if errors.Is(err, step.ErrTimeout) {
		return welcomed, nil
	}
	if err != nil {
		return Welcomed{}, err
	}
	welcomed.Verified = true

	// This event starts the next function. As a step, it is sent once.
	_, err = step.SendEvent(ctx, "announce-activation", userActivated.New(UserActivated{UserID: user.UserID}))
	return welcomed, err
}

// Trial is the output of start-trial.
type Trial struct {
	UserID string `json:"userId"`
	Plan   string `json:"plan"`
	Days   int    `json:"days"`
}

// startTrial runs for every user that welcome has announced.
func (u *Users) startTrial(ctx context.Context, in inngestkit.Input[UserActivated]) (Trial, error) {
	return step.Run(ctx, "open-trial", func(context.Context) (Trial, error) {
		return Trial{UserID: in.Event.Data.UserID, Plan: "pro", Days: 14}, nil
	})
}
