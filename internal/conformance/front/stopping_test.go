package front

import (
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"

	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
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
