package conformance

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// The server finds the failure handler of a function by the ID of its app, with every
// kind of ID that New accepts.
func TestFailureHandlersOfOddAppIDs(t *testing.T) {
	t.Parallel()
	server := testsite.NewServer(t)
	for _, id := range []string{
		"my shop", "it's", "a/b", "shop//eu", "100%25", "a&b?c#d", "vars.x", "event.data.x", "Straße", "лавка-🛒",
		"a|b=c<d>", "(a", "`", "$a{b}", "a\u200bb", "a\u00a0b",
	} {
		t.Run(id, func(t *testing.T) {
			doomed := userEvent("doomed of " + id)
			told := make(chan string, 10)
			app := serve(t, server, adapters[0], id, "", inngestkit.OnEvent("doomed", doomed,
				func(context.Context, input) (any, error) { return nil, inngestkit.NoRetry(errors.New("doomed")) },
				inngestkit.OnFailure(func(_ context.Context, in inngestkit.Input[inngestkit.FailedRun[user]]) (any, error) {
					told <- in.Event.Data.FunctionID
					return nil, nil
				})))
			s := &site{app, server}
			require.Equal(t, devserver.RunFailed, s.run(t, doomed.New(user{})).Status)
			select {
			case got := <-told:
				require.Equal(t, id+"-doomed", got)
			case <-testsite.Within(t).Done():
				t.Fatal("the failure handler was not called")
			}
		})
	}
}
