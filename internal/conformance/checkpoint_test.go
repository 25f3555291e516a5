package conformance

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// checkpoints lists every way to send results before a call ends.
var checkpoints = []struct {
	id     string
	option inngestkit.Option
}{
	{"plain", flow.Checkpoint()},
	{"three-at-once", flow.Checkpoint(flow.BatchSteps(3))},
	{"by-time", flow.Checkpoint(flow.BatchSteps(100), flow.BatchInterval(50*time.Millisecond))},
	{"short-calls", flow.Checkpoint(flow.MaxRuntime(100 * time.Millisecond))},
	{"all", flow.Checkpoint(flow.BatchSteps(2), flow.BatchInterval(50*time.Millisecond), flow.MaxRuntime(100*time.Millisecond))},
}

// With all options, each step that succeeds runs once and the run ends as without them: on
// a dev server, and on one that requires signatures. The oldest server does not support
// checkpoints and gets the results in responses; the same holds there.
func TestCheckpoints(t *testing.T) {
	t.Parallel()
	const key, eventKey = "0123456789abcdef0123456789abcdef", "0123456789abcdef"
	for name, config := range map[string]devserver.Config{
		"dev":         {RetryInterval: time.Second},
		"self-hosted": {RetryInterval: time.Second, SigningKey: key, EventKey: eventKey},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			counters := make([]counter, len(checkpoints))
			functions := make([]inngestkit.Function, len(checkpoints))
			slugs := make([]string, len(checkpoints))
			for i, c := range checkpoints {
				functions[i] = onUser(c.id, "checkpoint/"+c.id, lettered(&counters[i]), c.option)
				slugs[i] = "checkpoints-" + c.id
			}
			listener := testsite.Listen(t, "")
			config.AppURLs = []string{"http://" + listener.Addr().String() + adapters[0].path}
			server := devserver.New(t, config)
			s := &site{serveConfig(t, adapters[0], inngestkit.Config{
				AppID: "checkpoints", Dev: config.SigningKey == "", BaseURL: server.URL(),
				SigningKey: inngestkit.Secret(config.SigningKey), EventKey: inngestkit.Secret(config.EventKey),
			}, listener, functions...), server}
			require.NoError(t, server.AwaitFunctions(testsite.Within(t), slugs...))
			for i, c := range checkpoints {
				t.Run(c.id, func(t *testing.T) {
					t.Parallel()
					run := s.run(t, userEvent("checkpoint/"+c.id).New(user{ID: "u1"}))
					completed(t, []devserver.Run{run})
					require.Equal(t, `"abcdefg"`, string(run.Output))
					for _, id := range []string{"a", "b", "c", "d", "e", "f", "g"} {
						require.Equal(t, 1, counters[i].Of(id), "the step %s", id)
					}
					require.Equal(t, 2, counters[i].Of("flaky"))
				})
			}
		})
	}
}

// lettered has more steps than a batch, a step that fails once, and a sleep between them,
// before which all results must have been sent.
func lettered(c *counter) func(context.Context, input) (string, error) {
	return func(ctx context.Context, _ input) (string, error) {
		var output strings.Builder
		part := func(ids ...string) error {
			for _, id := range ids {
				result, err := step.Run(ctx, id, func(context.Context) (string, error) {
					c.Add(id)
					time.Sleep(20 * time.Millisecond) // the work of a step
					return id, nil
				})
				if err != nil {
					return err
				}
				output.WriteString(result)
			}
			return nil
		}
		if err := part("a", "b", "c", "d"); err != nil {
			return "", err
		}
		step.Sleep(ctx, "rest", time.Second)
		if err := part("e"); err != nil {
			return "", err
		}
		if _, err := step.Run(ctx, "flaky", func(context.Context) (any, error) {
			if c.Add("flaky") == 1 {
				return nil, errors.New("not yet")
			}
			return nil, nil
		}); err != nil {
			return "", err
		}
		err := part("f", "g")
		return output.String(), err
	}
}
