package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/inngestkit/inngestkit/examples/internal/demo"
)

const appID = "onboarding"

// inSeconds is the month of this story. Real applications have Month.
var inSeconds = Pace{
	Remind: 3 * time.Second, GiveUp: 2 * time.Second,
	FirstTip: time.Second, BetweenTips: 300 * time.Millisecond, Feedback: 3 * time.Second,
}

// program signs up users. Your application does not need it.
var program = demo.Program{
	Name:     appID,
	About:    "A Gin app leads two users through their first month, which takes seconds here.",
	Services: map[string]demo.Service{appID: serve(inSeconds)},
	Story:    story,
}

// story signs up two users, one of whom verifies the address.
func story(ctx context.Context, v *demo.Visitor) error {
	v.Say("Grace does not verify her address: she gets a reminder, and then counts as unverified.")
	grace, err := signUp(ctx, v, "Grace", "")
	if err != nil {
		return err
	}
	v.Say("Ada does, and gets tips for her interest.")
	ada, err := signUp(ctx, v, "Ada", "music")
	if err != nil {
		return err
	}
	if err := verify(ctx, v, ada); err != nil {
		return err
	}
	var seen userView
	// Welcome, complete, eight tips, and the request for feedback.
	if err := v.Await(ctx, appID, ada.path(), &seen, func() bool { return len(seen.Mails) == 11 }); err != nil {
		return err
	}
	if err := v.AwaitEnd(ctx, grace.EventID, ada.EventID); err != nil {
		return err
	}
	return v.Do(ctx, appID, http.MethodGet, grace.path(), "", nil)
}

// signedUp is the response to a user who signs up.
type signedUp struct{ UserID, EventID string }

func (s signedUp) path() string { return "/users/" + s.UserID }

// signUp signs up a new user, also if the database is an old one.
func signUp(ctx context.Context, v *demo.Visitor, name, interest string) (user signedUp, err error) {
	email := strings.ToLower(name + "-" + rand.Text()[:6] + "@example.com")
	body := fmt.Sprintf(`{"email":%q,"name":%q,"interest":%q}`, email, name, interest)
	return user, v.Do(ctx, appID, http.MethodPost, "/users", body, &user)
}

// verify follows the link in the welcome mail.
func verify(ctx context.Context, v *demo.Visitor, user signedUp) error {
	// The server now waits, so the event is not missed.
	if err := v.AwaitStep(ctx, user.EventID, "wait-for-email-verification"); err != nil {
		return err
	}
	var seen userView
	if err := v.Do(ctx, appID, http.MethodGet, user.path(), "", &seen); err != nil {
		return err
	}
	token := regexp.MustCompile(`token=(\w+)`).FindStringSubmatch(fmt.Sprint(seen.Mails))
	if token == nil {
		return errors.New("the welcome mail has no link")
	}
	return v.Do(ctx, appID, http.MethodPost, "/verify", fmt.Sprintf(`{"token":%q}`, token[1]), nil)
}
