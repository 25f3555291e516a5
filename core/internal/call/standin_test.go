package call_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

// The response has the results of new steps, whatever they are. The SDK, which would encode them
// again, gets them only if it hands out the memoized ones: its client may change them.
func TestResultsInTheResponse(t *testing.T) {
	t.Parallel()
	results := []any{strings.Repeat("x", 100<<10), "a", `":0"`, "", nil, 0.0, map[string]any{"data": "<&>\u2028"}, []any{}}
	for name, whole := range map[string]bool{"ours": false, "the SDK's": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdk := 0 // bytes; the SDK shows its middleware the first result
			output := func(result any) {
				if raw, ok := result.(json.RawMessage); ok {
					sdk += len(raw)
				}
			}
			end := serve(t, given{Several: true, Whole: whole, Output: output}, func(ctx context.Context) (any, error) {
				for i, result := range results {
					got, err := call.Run(ctx, string(rune('a'+i)), func(context.Context) (any, error) { return result, nil })
					if err != nil || !assert.EqualValues(t, result, got) {
						return nil, err
					}
				}
				call.Yield() // as a sleep does
				return nil, nil
			})
			require.Equal(t, http.StatusPartialContent, end.Status)
			require.Equal(t, whole, sdk > 100<<10, "the SDK has %d bytes of results", sdk)
			var ops []struct {
				Data any `json:"data"`
			}
			require.NoError(t, json.Unmarshal([]byte(end.Body), &ops))
			require.Len(t, ops, len(results))
			for i, op := range ops {
				require.EqualValues(t, results[i], op.Data)
			}
		})
	}
}
