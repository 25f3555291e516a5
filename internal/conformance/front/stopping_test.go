package front

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	fiberv3 "github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/require"

	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	inngestfiberv3 "github.com/inngestkit/inngestkit/adapters/fiberv3"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// A call that runs when the program stops ends normally, with every framework.
func TestStopping(t *testing.T) {
	t.Parallel()
	for name, build := range testsite.Frameworks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := run(t, inngestkit.Config{}, build)
			body := s.inFlight(t)
			s.stop()
			require.Equal(t, `"done"`, <-body)
		})
	}
}

func TestFiberRunsItsHooksAfterTheCalls(t *testing.T) {
	t.Parallel()
	var order []string
	s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server {
		f := newFiber(streaming)
		f.Use(func(c *fiber.Ctx) error {
			err := c.Next()
			order = append(order, "the call has ended")
			return err
		})
		inngestfiber.Mount(f, app)
		f.Hooks().OnShutdown(func() error {
			order = append(order, "the hook runs")
			return nil
		})
		return f
	})
	body := s.inFlight(t)
	require.NoError(t, s.server.Shutdown(t.Context()))
	require.Equal(t, []string{"the call has ended", "the hook runs"}, order)
	require.Equal(t, `"done"`, <-body)
}

// In Fiber v3 the hook OnPreShutdown runs before the server stops, so it can shut the app
// down: running calls end normally, and new ones get 503 instead of a refused connection.
func TestFiberV3PreShutdownHook(t *testing.T) {
	t.Parallel()
	s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server {
		f := newFiberV3(streamingV3)
		f.Hooks().OnPreShutdown(func() error { return app.Shutdown(context.Background()) })
		inngestfiberv3.Mount(f, app)
		return f
	})
	body := s.inFlight(t)
	ended := make(chan error, 1)
	go func() { ended <- s.server.Shutdown(t.Context()) }()
	testsite.Eventually(t, time.Millisecond, func() bool {
		status, sdk, _ := s.call(t, "fn", 0)
		return status == http.StatusServiceUnavailable && sdk
	})
	require.Empty(t, body, "the call still runs")
	require.Equal(t, `"done"`, <-body)
	require.NoError(t, <-ended)
}

// gracefulFiber shuts itself down when its context ends.
type gracefulFiber struct {
	testsite.FiberV3

	ctx      context.Context
	returned chan struct{}
}

func (f gracefulFiber) Serve(listener net.Listener) error {
	defer close(f.returned)
	return f.Listener(listener, fiberv3.ListenConfig{DisableStartupMessage: true, GracefulContext: f.ctx})
}

// With a GracefulContext, Listen and Listener return when the server stops to accept, and
// do not wait for the calls that run. With the hook they do.
func TestFiberV3GracefulContext(t *testing.T) {
	t.Parallel()
	for name, hook := range map[string]bool{"without the hook": false, "with the hook": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			f := gracefulFiber{newFiberV3(streamingV3), ctx, make(chan struct{})}
			callEnded := make(chan struct{})
			end := sync.OnceFunc(func() { close(callEnded) }) // the end of the test shuts down again
			s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server {
				if hook {
					f.Hooks().OnPreShutdown(func() error {
						defer end()
						return app.Shutdown(context.Background())
					})
				} else {
					f.Use(func(c fiberv3.Ctx) error {
						defer end()
						return c.Next()
					})
				}
				inngestfiberv3.Mount(f, app)
				return f
			})
			body := s.inFlight(t)
			stop()
			<-f.returned
			select {
			case <-callEnded:
				require.True(t, hook, "Listener has waited for the call")
			default:
				require.False(t, hook, "Listener has returned, and the call still runs")
			}
			require.Equal(t, `"done"`, <-body)
		})
	}
}

// inFlight begins a slow call. The channel it returns gets the response.
func (s *site) inFlight(t *testing.T) <-chan string {
	t.Helper()
	answer := make(chan string, 1)
	call := s.signed(t, "deaf", 0)
	go func() {
		_, _, body := send(call)
		answer <- body
	}()
	<-s.running
	return answer
}
