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

// The response has the results of new steps, whatever they are.
func TestResultsInTheResponse(t *testing.T) {
	t.Parallel()
	results := []any{"a", `":0"`, "", nil, 0.0, map[string]any{"data": "<&>\u2028"}, strings.Repeat("x", 100<<10), []any{}}
	for name, whole := range map[string]bool{"ours": false, "the SDK's": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			end := serve(t, given{Several: true, Whole: whole}, func(ctx context.Context) (any, error) {
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
