package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// fiberShutdowns lists each order in which users shut down both.
var fiberShutdowns = []struct {
	name string
	// begin begins both and returns when new calls are rejected.
	begin func(t *testing.T, r *shutdownRound)
}{
	{"the app and then Fiber", func(t *testing.T, r *shutdownRound) {
		r.shutdown(r.app.Shutdown)
		client := testsite.NewClient(t)
		testsite.Eventually(t, time.Millisecond, func() bool {
			status, _, err := r.call(client, "late")
			return err == nil && status == http.StatusServiceUnavailable
		})
		r.shutdown(r.fiber.Shutdown)
		r.refused(t)
	}},
	{"Fiber and then the app", func(t *testing.T, r *shutdownRound) {
		r.shutdown(r.fiber.Shutdown)
		r.refused(t)
		r.shutdown(r.app.Shutdown)
	}},
	{"both at once", func(t *testing.T, r *shutdownRound) {
		r.shutdown(r.fiber.Shutdown)
		r.shutdown(r.app.Shutdown)
		r.refused(t)
	}},
}

// shutdownRound is one app that is shut down while calls run.
type shutdownRound struct {
	ctx     context.Context
	app     *inngestkit.App
	fiber   fiberApp
	addr    string
	running counter
	release chan struct{}
	ended   []chan error
}

// shutdown begins to shut down one of the two.
func (r *shutdownRound) shutdown(shutdown func(context.Context) error) {
	ended := make(chan error, 1)
	r.ended = append(r.ended, ended)
	go func() { ended <- shutdown(r.ctx) }()
}

// refused waits until connections are refused.
func (r *shutdownRound) refused(t *testing.T) {
	t.Helper()
	testsite.Eventually(t, time.Millisecond, func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", r.addr)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
}

func (r *shutdownRound) call(client *http.Client, id string) (status int, answer string, err error) {
	return testsite.Request(r.ctx, client, http.MethodPost, "http://"+r.addr+"/acme/api/inngest?fnId=app-"+id,
		callBodyFor("run", id, 0), nil)
}

// wait is what the calls do that run during the shutdown.
func (r *shutdownRound) wait(ctx context.Context, part string) (string, error) {
	r.running.Add(part)
	select {
	case <-r.release:
		return part, ctx.Err()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// functions returns those that run during the shutdown, and one that is called late.
func (r *shutdownRound) functions() []inngestkit.Function {
	slow := func(ctx context.Context) (string, error) { return r.wait(ctx, "slow") }
	return []inngestkit.Function{
		inngestkit.OnEvent("ends", signedUp, func(ctx context.Context, _ input) (string, error) {
			return r.wait(ctx, "ends")
		}),
		inngestkit.OnEvent("in-a-step", signedUp, func(ctx context.Context, _ input) (string, error) {
			return step.Run(ctx, "slow", slow)
		}),
		inngestkit.OnEvent("before-a-step", signedUp, func(ctx context.Context, _ input) (string, error) {
			if _, err := r.wait(ctx, "before"); err != nil {
				return "", err
			}
			return r.running.Counted(ctx, "next")
		}),
		inngestkit.OnEvent("late", signedUp, func(ctx context.Context, _ input) (string, error) {
			return step.Run(ctx, "one", func(context.Context) (string, error) { return "one", nil })
		}),
	}
}

// result is the response to a call.
type result struct {
	status int
	answer string
	err    error
}

// Fiber and the app are shut down while calls run, in every order. The process survives
// (Fiber's own context would end it if functions' contexts derived from it), each running
// call ends with its real response, and no other call gets that of a completed run.
func TestFiberShutdownWithCallsInFlight(t *testing.T) {
	t.Parallel()
	const rounds = 6 // at least 54 for each version
	eachFiber(t, func(t *testing.T, version fiberVersion) {
		for _, order := range fiberShutdowns {
			for _, setup := range version.userContexts(t) {
				t.Run(fmt.Sprintf("%s, %s", order.name, setup.name), func(t *testing.T) {
					t.Parallel()
					for range rounds {
						version.shutDownInFlight(t, order.begin, setup.set)
					}
				})
			}
		}
	})
}

func (v fiberVersion) shutDownInFlight(t *testing.T, begin func(*testing.T, *shutdownRound), before fiberHandler) {
	t.Helper()
	r := &shutdownRound{ctx: testsite.Within(t), release: make(chan struct{})}
	r.app, r.fiber = v.withApp(t, before, r.functions()...)
	listener := testsite.Listen(t, "")
	r.addr = listener.Addr().String()
	served := make(chan error, 1)
	go func() { served <- r.fiber.Serve(listener) }()

	// Some calls have ended before. They must leave nothing that the shutdown could meet.
	client := testsite.NewClient(t)
	for range 5 {
		status, _, err := r.call(client, "late")
		require.NoError(t, err)
		require.Equal(t, http.StatusPartialContent, status)
	}
	results := map[string]chan result{"ends": nil, "in-a-step": nil, "before-a-step": nil}
	for id := range results {
		answered := make(chan result, 1)
		results[id] = answered
		go func() {
			status, answer, err := r.call(client, id)
			answered <- result{status, answer, err}
		}()
	}
	for _, part := range []string{"ends", "slow", "before"} {
		r.running.Await(t, part)
	}
	late := r.callLate(t)
	begin(t, r)
	close(r.release)
	for _, ended := range r.ended {
		require.NoError(t, <-ended)
	}
	require.NoError(t, <-served)
	for _, answer := range late() {
		require.Contains(t, []int{http.StatusPartialContent, http.StatusServiceUnavailable}, answer.status, answer.answer)
	}
	ends := <-results["ends"]
	require.NoError(t, ends.err)
	require.Equal(t, []any{http.StatusOK, `"ends"`}, []any{ends.status, ends.answer})
	for id, data := range map[string]string{"in-a-step": "slow", "before-a-step": "next"} {
		got := <-results[id]
		require.NoError(t, got.err)
		require.Equal(t, http.StatusPartialContent, got.status, "%s: %s", id, got.answer)
		require.Contains(t, got.answer, fmt.Sprintf(`"data":%q`, data))
	}
}

// callLate makes calls until connections are refused, each caller on its own connection.
// The function it returns waits for the responses.
func (r *shutdownRound) callLate(t *testing.T) (answers func() []result) {
	t.Helper()
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		all []result
	)
	for range 2 {
		client := testsite.NewClient(t)
		wg.Go(func() {
			for {
				status, answer, err := r.call(client, "late")
				failed, isOp := errors.AsType[*net.OpError](err)
				switch {
				case isOp && failed.Op == "dial", r.ctx.Err() != nil:
					return
				case err == nil: // otherwise the connection was closed before the call
					mu.Lock()
					all = append(all, result{status, answer, nil})
					mu.Unlock()
				}
			}
		})
	}
	return func() []result {
		wg.Wait()
		return all
	}
}
