package inngesttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/inngestkit/inngestkit/core/testhooks"
)

// hook returns the EnterStep of a call with this trace. next may be nil.
func (t *trace) hook(next func(context.Context, testhooks.Step)) func(context.Context, testhooks.Step) {
	return func(ctx context.Context, s testhooks.Step) {
		t.enter(s)
		if next != nil {
			next(ctx, s)
		}
	}
}

// A runStep is the hook RunStep.
type runStep = func(ctx context.Context, s testhooks.Step, callback func(context.Context) (any, error)) (any, error)

// runHook returns the RunStep of a call with this trace. next may be nil.
func (t *trace) runHook(next runStep) runStep {
	return func(ctx context.Context, s testhooks.Step, callback func(context.Context) (any, error)) (any, error) {
		t.ran(s)
		if next != nil {
			return next(ctx, s, callback)
		}
		return callback(ctx)
	}
}

var errReplay = errors.New("inngesttest: a replay does not run steps")

// replayHooks returns the hooks for a replay, which has no effects: its steps do not run, and
// what it sends outside of steps was sent by the call that it repeats.
func replayHooks(ctx context.Context, t *trace) *testhooks.Hooks {
	hooks := *testhooks.From(ctx)
	send := hooks.RoundTrip
	hooks.EnterFunction = nil
	hooks.EnterStep = t.hook(nil)
	hooks.MapItems = func(_ context.Context, id string, items any) { t.mapItems(id, items) }
	hooks.RunStep = func(context.Context, testhooks.Step, func(context.Context) (any, error)) (any, error) {
		return nil, errReplay
	}
	hooks.RoundTrip = func(r *http.Request) (*http.Response, error) {
		if send != nil && r.Method == http.MethodGet {
			return send(r)
		}
		return pretendSent(r)
	}
	return &hooks
}

// pretendSent returns the response of a server that has taken everything.
func pretendSent(r *http.Request) (*http.Response, error) {
	body := []byte(`{}`)
	if strings.HasPrefix(r.URL.Path, "/e/") {
		var events []json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&events); err != nil {
			return nil, err
		}
		ids := make([]string, len(events))
		for i := range ids {
			ids[i] = fmt.Sprintf("replay-%d", i)
		}
		encoded, err := json.Marshal(map[string][]string{"ids": ids})
		if err != nil {
			return nil, err
		}
		body = encoded
	}
	return jsonResponse(r, http.StatusOK, body), nil
}
