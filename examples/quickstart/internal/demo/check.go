package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// expected describes the result of a function that ran as it should.
type expected struct {
	function string
	output   any
	steps    []expectedStep // in this order
}

type expectedStep struct {
	name  string
	times int
	// code is whether the step has code in the app. The server alone sleeps and waits.
	code bool
}

// expect returns the expected results of the sign-up, given the results of the steps
// that the app sent to the server.
func expect(userID string, results map[string]json.RawMessage) []expected {
	return []expected{
		{
			function: welcomeFunction,
			output: map[string]any{
				"userId": userID, "voucher": results["draw-voucher"], "mailId": "mail-1", "verified": true,
			},
			steps: []expectedStep{
				{"draw-voucher", 1, true},
				{"send-welcome-mail", 2, true}, // the first attempt fails
				{"let-mail-arrive", 1, false},
				{verificationStep, 1, false},
				{"announce-activation", 1, true},
			},
		},
		{
			function: trialFunction,
			output:   map[string]any{"userId": userID, "plan": "pro", "days": 14},
			steps:    []expectedStep{{"open-trial", 1, true}},
		},
	}
}

// check compares the runs that the server reports with the expected ones, and both with
// the requests and responses of the app.
func (s *session) check(ctx context.Context, userID string, runs []devserver.Run) error {
	all := expect(userID, s.watch.run(runs[0].RunID).soFar().results)
	if len(runs) != len(all) {
		return fmt.Errorf("expected %d runs, but got %v", len(all), runs)
	}
	for i, want := range all {
		// A trace may be complete a moment after its run.
		if err := eventually(ctx, checkTimeout, func() (bool, error) {
			err := s.checkRun(ctx, runs[i], want)
			return err == nil, err
		}); err != nil {
			return fmt.Errorf("checking %s: %w", want.function, err)
		}
	}
	s.conclude(all, s.watch.run(runs[0].RunID).soFar().calls)
	return nil
}

func (s *session) checkRun(ctx context.Context, run devserver.Run, want expected) error {
	output, err := json.Marshal(want.output)
	if err != nil {
		return err
	}
	if run.Function != appID+"-"+want.function || run.Status != devserver.RunCompleted || !sameJSON(run.Output, output) {
		return fmt.Errorf("expected it to be Completed with %s, but got %s", output, run)
	}
	steps, err := s.server.Steps(ctx, run.RunID)
	if err != nil {
		return err
	}
	var recorded, due []string
	for _, step := range steps {
		recorded = append(recorded, fmt.Sprintf("%s %s x%d", step.Name, step.Status, step.Attempts))
	}
	ran := map[string]int{}
	for _, step := range want.steps {
		due = append(due, fmt.Sprintf("%s COMPLETED x%d", step.name, step.times))
		if step.code {
			ran[step.name] = step.times
		}
	}
	if !slices.Equal(recorded, due) {
		return fmt.Errorf("expected the server to have the steps %q, but it has %q", due, recorded)
	}
	if executed := s.watch.run(run.RunID).soFar().executed; !maps.Equal(executed, ran) {
		return fmt.Errorf("expected the app to run the steps %v, but it ran %v", ran, executed)
	}
	return nil
}

// sameJSON compares JSON values regardless of the order of their fields.
func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// eventually calls check until it reports that it is done, and returns its error. Until
// then, the error says what is missing; it is returned when the time is over.
func eventually(ctx context.Context, timeout time.Duration, check func() (done bool, err error)) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	tooLong := time.After(timeout)
	for {
		done, err := check()
		if done {
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
