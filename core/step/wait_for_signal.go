package step

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	sdkstep "github.com/inngest/inngestgo/step"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

// SignalOption is an option of [WaitForSignal]. [Timeout] is required.
type SignalOption interface{ applySignal(s *signal) }

type signal struct {
	timeout  time.Duration
	conflict sdkstep.SignalConfict
}

type replace struct{}

func (replace) applySignal(s *signal) { s.conflict = sdkstep.SignalConflictReplace }

// Replace has this run get the signal if another run waits for the same one. The
// other then waits in vain, to the end of its timeout. Without it, this run fails.
func Replace() SignalOption { return replace{} }

// errSignalTimeout is ErrTimeout for signals.
var errSignalTimeout error = signalTimeoutError{}

type signalTimeoutError struct{}

func (signalTimeoutError) Error() string { return sdkstep.ErrSignalNotReceived.Error() }

// Is makes it the same error as for events, and as the SDK's.
func (signalTimeoutError) Is(target error) bool {
	return target == ErrTimeout || target == sdkstep.ErrSignalNotReceived
}

// WaitForSignal waits for the signal called name, which App.SendSignal or the
// server's API sends, and returns its data, or [ErrTimeout] if it did not come in
// time. The name is one for the whole environment, and one run at a time can wait
// for it: put an ID into it. To resume several runs at once, use [WaitForEvent].
func WaitForSignal[T any](ctx context.Context, id, name string, options ...SignalOption) (T, error) {
	s := signal{conflict: sdkstep.SignalConflictFail}
	for _, o := range options {
		o.applySignal(&s)
	}
	return call.Wait[T](ctx, call.WaitForSignal, id, func(call.ID) (json.RawMessage, error) {
		c := call.From(ctx)
		if name == "" {
			return nil, abort(c, fmt.Errorf("step %q waits for a signal without a name: give it one", id))
		}
		if err := checkTimeout(c, id, fmt.Sprintf("signal %q", name), s.timeout); err != nil {
			return nil, err
		}
		result, err := sdkstep.WaitForSignal[json.RawMessage](ctx, id, sdkstep.WaitForSignalOpts{
			Name: id, Signal: name, Timeout: s.timeout, OnConflict: s.conflict,
		})
		if errors.Is(err, sdkstep.ErrSignalNotReceived) {
			err = errSignalTimeout
		}
		return result.Data, err
	})
}
