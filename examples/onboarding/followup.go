package main

import (
	"context"
	"fmt"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// Tips returns the function that sends tips for a month, or until the user unsubscribes.
func (o *Onboarding) Tips() inngestkit.TypedFunction[FollowUp, int] {
	return inngestkit.OnEvent("send-tip-series", tipsScheduled, o.tips,
		flow.CancelOn(userUnsubscribed, flow.Match("data.userId")))
}

// Feedback returns the function that asks for feedback.
func (o *Onboarding) Feedback() inngestkit.TypedFunction[FollowUp, any] {
	return inngestkit.OnEvent("request-feedback", feedbackScheduled, o.feedback)
}

// tips sends the tips that fit the user's interest. They are chosen once, in a step, so a
// release with other tips does not change a series that has begun.
func (o *Onboarding) tips(ctx context.Context, in inngestkit.Input[FollowUp]) (sent int, err error) {
	userID := in.Event.Data.UserID
	step.SleepUntil(ctx, "wait-for-first-tip", in.Event.Data.Begins)
	tips, err := step.Run(ctx, "choose-tips", func(ctx context.Context) ([]string, error) {
		user, err := o.store.User(ctx, userID)
		return tipsFor(user.Interest), err
	})
	if err != nil {
		return 0, err
	}
	for i, tip := range tips {
		if i > 0 {
			step.Sleep(ctx, fmt.Sprintf("wait-between-tips-%d", i), o.pace.BetweenTips)
		}
		id := fmt.Sprintf("send-tip-%d", i+1)
		err := do(ctx, id, func(ctx context.Context) error {
			return o.store.Mail(ctx, userID, id, tipMail(tip))
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
		return o.store.Mail(ctx, in.Event.Data.UserID, "feedback", feedbackMail)
	})
}
