package inngestkit_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/step"
)

// If a step is rerun with another input, the SDK would treat the input as the result of the
// step.
func TestInputOfAStepIsNotItsResult(t *testing.T) {
	t.Parallel()
	encoded := base64.StdEncoding.EncodeToString([]byte(`{"input":[{"n":1}]}`))
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		return step.Run(ctx, "a", func(context.Context) (any, error) { return "from a", nil })
	}))
	for name, result := range map[string]any{
		"input": map[string]any{"input": []any{1}}, "as the API encodes it": encoded, "none": nil,
	} {
		e := signUpEnvelope(user{}).done("b", 1)
		if result != nil {
			e.Steps[hashed("a")] = result
		}
		require.Equal(t, "from a", ops(t, callFn(t.Context(), t, app, e))[0]["data"], name)
	}
	for name, tc := range map[string]struct {
		result any
		want   string
	}{
		"data and input": {map[string]any{"data": "kept", "input": 1}, `"kept"`},
		"input as data":  {map[string]any{"data": map[string]any{"input": 1}}, `{"input":1}`},
		"base64 as data": {map[string]any{"data": encoded}, `"` + encoded + `"`},
	} {
		e := signUpEnvelope(user{})
		e.Steps[hashed("a")] = tc.result
		resp := callFn(t.Context(), t, app, e)
		require.Equal(t, http.StatusOK, resp.Status, name)
		require.Equal(t, tc.want, string(resp.Body), name)
	}
}
