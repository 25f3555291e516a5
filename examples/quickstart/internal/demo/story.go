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

// Names in the application that the story is about.
const (
	appID            = "quickstart"
	welcomeFunction  = "welcome-new-user"
	trialFunction    = "start-trial"
	verificationStep = "wait-for-verification"
	email            = "ada@example.com"
)

// Times. The story takes some seconds.
const (
	storyTimeout = 2 * time.Minute
	checkTimeout = 5 * time.Second
	pollEvery    = 100 * time.Millisecond
)

// tell lets the story happen, and checks it.
func (s *session) tell(ctx context.Context) error {
	within, cancel := context.WithTimeoutCause(ctx, storyTimeout,
		fmt.Errorf("this should take seconds, and is not over after %s", storyTimeout))
	defer cancel()
	err := s.story(within)
	if err != nil && s.ended() {
		<-ctx.Done() // with the reason
	}
	if err != nil && ctx.Err() != nil {
		// What was cut short says less than why.
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
	// From here on the event is not missed.
	if _, err := s.server.AwaitStep(ctx, user.EventID, verificationStep); err != nil {
		return err
	}
	if _, err := s.post(ctx, "/users/"+user.UserID+"/verify", ""); err != nil {
		return err
	}
	// Both runs end before anything is checked, so that a failure leaves the
	// whole story on the screen.
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

// answer is what the app answers to its users.
type answer struct {
	UserID  string `json:"userId"`
	EventID string `json:"eventId"`
}

// post sends a request to one of the app's own routes, as a browser would.
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
		return answer{}, fmt.Errorf("POST %s: the app answered %s %s", path, resp.Status, data)
	}
	return a, nil
}
