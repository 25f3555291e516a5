package main

import (
	"context"
	"errors"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// Pace is how fast users are led through the first month.
type Pace struct {
	Remind      time.Duration // from the welcome mail to the reminder
	GiveUp      time.Duration // from the reminder until the user counts as unverified
	FirstTip    time.Duration // from the verification
	BetweenTips time.Duration
	Feedback    time.Duration // from the verification
}

const day = 24 * time.Hour

// Month is the pace in production.
func Month() Pace {
	return Pace{Remind: day, GiveUp: day, FirstTip: 7 * day, BetweenTips: 3 * day, Feedback: 30 * day}
}

// Onboarding has the durable functions. Its fields are their dependencies.
type Onboarding struct {
	store *Store
	pace  Pace
}

// NewOnboarding returns the durable functions.
func NewOnboarding(store *Store, pace Pace) *Onboarding { return &Onboarding{store: store, pace: pace} }

// Functions returns all functions.
func (o *Onboarding) Functions() []inngestkit.Function {
	return []inngestkit.Function{o.Flow(), o.Tips(), o.Feedback()}
}

// Flow returns the function that runs for every new user, and only once for each.
func (o *Onboarding) Flow() inngestkit.TypedFunction[Registered, Result] {
	return inngestkit.OnEvent("user-onboarding-flow", userRegistered, o.flow, flow.Idempotency("event.data.userId"))
}

// Result is the output of user-onboarding-flow.
type Result struct {
	UserID     string    `json:"userId"`
	Status     string    `json:"status"`
	VerifiedAt time.Time `json:"verifiedAt,omitzero"`
}

// flow may take days, in which the program can be restarted: nothing of the run is kept in it.
func (o *Onboarding) flow(ctx context.Context, in inngestkit.Input[Registered]) (Result, error) {
	userID := in.Event.Data.UserID
	// The step has no output, because outputs are stored: the token stays in the database.
	err := do(ctx, "send-welcome-email", func(ctx context.Context) error { return o.store.Welcome(ctx, userID) })
	if err != nil {
		return Result{}, err
	}
	verifiedAt, err := o.awaitVerification(ctx, userID)
	if err != nil {
		return Result{}, err
	}
	if verifiedAt.IsZero() {
		return Result{UserID: userID, Status: "verification-timeout"}, nil
	}

	err = do(ctx, "setup-user-profile", func(ctx context.Context) error { return o.store.CreateProfile(ctx, userID) })
	if err != nil {
		return Result{}, err
	}
	err = do(ctx, "send-completion-email", func(ctx context.Context) error {
		return o.store.Mail(ctx, userID, "onboarding-complete", completionMail)
	})
	if err != nil {
		return Result{}, err
	}
	// The dates count from the verification, which is the same in every call. time.Now is not.
	_, err = step.SendEvent(ctx, "schedule-follow-ups",
		tipsScheduled.New(FollowUp{UserID: userID, Begins: verifiedAt.Add(o.pace.FirstTip)}),
		feedbackScheduled.New(FollowUp{UserID: userID, Begins: verifiedAt.Add(o.pace.Feedback)}))
	return Result{UserID: userID, Status: "completed", VerifiedAt: verifiedAt}, err
}

// awaitVerification returns when the user has verified the address, or the zero time if that
// has not happened in time. The event may arrive when the run does not wait, so the steps
// look into the database as well.
func (o *Onboarding) awaitVerification(ctx context.Context, userID string) (time.Time, error) {
	verifiedAt, err := verification(ctx, "wait-for-email-verification", o.pace.Remind)
	if err != nil || !verifiedAt.IsZero() {
		return verifiedAt, err
	}
	verifiedAt, err = step.Run(ctx, "send-verification-reminder", func(ctx context.Context) (time.Time, error) {
		return o.store.Remind(ctx, userID)
	})
	if err != nil || !verifiedAt.IsZero() {
		return verifiedAt, err
	}
	verifiedAt, err = verification(ctx, "wait-after-reminder", o.pace.GiveUp)
	if err != nil || !verifiedAt.IsZero() {
		return verifiedAt, err
	}
	return step.Run(ctx, "mark-as-unverified", func(ctx context.Context) (time.Time, error) {
		return o.store.GiveUp(ctx, userID)
	})
}

// verification waits for the event of the user of this run. It returns the zero time after
// the timeout.
func verification(ctx context.Context, id string, timeout time.Duration) (time.Time, error) {
	verified, err := step.WaitForEvent(ctx, id, emailVerified, step.Match("data.userId"), step.Timeout(timeout))
	if errors.Is(err, step.ErrTimeout) {
		return time.Time{}, nil
	}
	return verified.Data.VerifiedAt, err
}

// do runs a step without a result.
func do(ctx context.Context, id string, f func(ctx context.Context) error) error {
	_, err := step.Run(ctx, id, func(ctx context.Context) (any, error) { return nil, f(ctx) })
	return err
}
