package demo

import (
	"context"
	"encoding/json"
	"errors"
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
	stepTimeout  = 30 * time.Second
	checkTimeout = 5 * time.Second
	pollEvery    = 100 * time.Millisecond
)

// tell lets the story happen, and checks it.
func (s *session) tell(ctx context.Context) error {
	within, cancel := context.WithTimeoutCause(ctx, storyTimeout,
		fmt.Errorf("this should take seconds, and is not over after %s", storyTimeout))
	defer cancel()
	err := s.story(within)
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
	if err := s.awaitStep(ctx, user.EventID, verificationStep); err != nil {
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

// awaitStep waits until the run that the event started has come to a step. The
// server shows the step in the run's trace after it has begun to wait, so an
// event that is sent then is not missed.
func (s *session) awaitStep(ctx context.Context, eventID, step string) error {
	return eventually(ctx, stepTimeout, func() (bool, error) {
		runs, err := s.server.Runs(ctx, eventID)
		if err != nil || len(runs) == 0 {
			return false, errors.Join(errors.New("the event has started no run yet"), err)
		}
		steps, err := s.steps(ctx, runs[0].RunID)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(steps, func(span span) bool { return span.Name == step }) {
			return true, nil
		}
		return runs[0].Ended(), fmt.Errorf("%s has not come to the step %s", runs[0], step)
	})
}

// eventually asks until the answer is yes. An error with a yes is final; one
// with a no says what is missing, and is returned if that stays so for too long.
func eventually(ctx context.Context, timeout time.Duration, ask func() (bool, error)) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	tooLong := time.After(timeout)
	for {
		yes, err := ask()
		if yes {
			return err
		}
		select {
		case <-tick.C:
		case <-tooLong:
			return fmt.Errorf("waited for %s: %w", timeout, err)
		case <-ctx.Done():
			return fmt.Errorf("%w; %w", context.Cause(ctx), err)
		}
	}
}
