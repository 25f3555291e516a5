package inngestkit_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
)

// A server that does not respond, whatever ends the wait, costs a checkpoint once a minute. The
// response carries the result, also for calls that were under way.
func TestCheckpointsGetNoResponse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fails   time.Duration // when a request fails
		err     error
		busy    bool
		timeout time.Duration // of the client
	}{
		"nothing ends the wait":               {fails: time.Hour},
		"the client's timeout":                {fails: time.Hour, timeout: 10 * time.Second},
		"the transport's timeout":             {fails: 5 * time.Second, err: errors.New("net/http: timeout awaiting response headers")},
		"a name server that does not respond": {fails: 10 * time.Second, err: &net.OpError{Op: "dial", Err: &net.DNSError{IsTimeout: true}}},
		"a server that is busy":               {busy: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := fakeClient(func(r *http.Request, _ int) (*http.Response, error) {
					if tc.busy {
						return response(http.StatusServiceUnavailable, "", http.Header{"Retry-After": {"9"}}), nil
					}
					select {
					case <-time.After(tc.fails):
						return nil, tc.err
					case <-r.Context().Done():
						return nil, r.Context().Err()
					}
				})
				client.Timeout = tc.timeout
				app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: client}, onSignUp(
					func(ctx context.Context, in input) (string, error) {
						time.Sleep(time.Duration(in.Event.Data.Number))
						return sequenceAtOnce("a", "b")(ctx, in)
					}, flow.Checkpoint()))
				call := func(work time.Duration) time.Duration {
					start := time.Now()
					require.Equal(t, []string{"StepRun a"}, listed(ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{Number: int64(work)})))))
					return time.Since(start) - work
				}
				underWay := make(chan time.Duration, 1)
				go func() { underWay <- call(40 * time.Second) }()
				require.Greater(t, call(0), 10*time.Second)
				require.Zero(t, call(0))
				require.Zero(t, <-underWay)
				time.Sleep(time.Minute)
				require.Greater(t, call(0), 10*time.Second, "it is tried again")
			})
		})
	}
}

// A shutdown does not wait 30 s for the response to a checkpoint. What the server has not taken is
// in the response to the call.
func TestCheckpointsGetNoResponseDuringAShutdown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ shutdown, checkpoint time.Duration }{
		"in a checkpoint": {10 * time.Second, 0}, "before it": {time.Second, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: fakeClient(
					func(r *http.Request, _ int) (*http.Response, error) { return hanging(0, r) })},
					onSignUp(func(ctx context.Context, _ input) (string, error) {
						time.Sleep(tc.checkpoint)
						return sequenceAtOnce("a", "b")(ctx, input{})
					}, flow.Checkpoint()))
				time.AfterFunc(tc.shutdown, func() { _ = app.Shutdown(context.WithoutCancel(t.Context())) })
				start := time.Now()
				require.Equal(t, []string{"StepRun a"}, listed(ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))))
				require.Equal(t, 15*time.Second, time.Since(start))
			})
		})
	}
}
