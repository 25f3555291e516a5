package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Names in the application.
const (
	appID            = "quickstart"
	welcomeFunction  = "welcome-new-user"
	trialFunction    = "start-trial"
	verificationStep = "wait-for-verification"
	email            = "ada@example.com"
)

// Timeouts. The story takes a few seconds.
const (
	storyTimeout = 2 * time.Minute
	checkTimeout = 5 * time.Second
	pollEvery    = 100 * time.Millisecond
)

// tell runs the story with a timeout, and checks it.
func (s *session) tell(ctx context.Context) error {
	within, cancel := context.WithTimeoutCause(ctx, storyTimeout,
		fmt.Errorf("this should take seconds, but is not over after %s", storyTimeout))
	defer cancel()
	err := s.story(within)
	if err != nil && s.ended() {
		<-ctx.Done() // its cause is the reason
	}
	if err != nil && ctx.Err() != nil {
		// The cause says more than the error of the interrupted call.
		return context.Cause(ctx)
	}
	return err
}

func (s *session) story(ctx context.Context) error {
	if err := s.server.AwaitFunctions(ctx, appID+"-"+welcomeFunction, appID+"-"+trialFunction); err != nil {
		return err
	}
	s.introduce()

	user, err := s.post(ctx, "/users", fmt.Sprintf(`{"email":%q}`, email))
	if err != nil {
		return err
	}
	// The server now waits, so the event is not missed.
	if _, err := s.server.AwaitStep(ctx, user.EventID, verificationStep); err != nil {
		return err
	}
	if _, err := s.post(ctx, "/users/"+user.UserID+"/verify", ""); err != nil {
		return err
	}
	// Both runs end before anything is checked, so the whole story is printed even if a
	// check fails.
	welcome, err := s.server.AwaitRuns(ctx, user.EventID, 1)
	if err != nil {
		return err
	}
	trial, err := s.server.AwaitRunsOf(ctx, appID+"-"+trialFunction, 1)
	if err != nil {
		return err
	}
	return s.check(ctx, user.UserID, slices.Concat(welcome, trial))
}

// An answer is the app's response to a user.
type answer struct {
	UserID  string `json:"userId"`
	EventID string `json:"eventId"`
}

// post sends a request to one of the app's own routes, like a browser.
func (s *session) post(ctx context.Context, path, body string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.appURL+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, fmt.Errorf("POST %s: %w", path, err)
	}
	var a answer
	if err := json.Unmarshal(data, &a); err != nil || resp.StatusCode != http.StatusAccepted || a.EventID == "" {
		return answer{}, fmt.Errorf("POST %s: the app responded with %s %s", path, resp.Status, data)
	}
	return a, nil
}
