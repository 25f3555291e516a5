package inngesttest

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/inngesttest/internal/engine"
)

// The checks forget runs that have ended, and the oldest of too many that have not.
func TestChecksForgetRuns(t *testing.T) {
	t.Parallel()
	d := newDeterminism(func(*engine.Run, string) { t.Error("unexpected") })
	f := &engine.Function{Slug: "test-f", App: &engine.App{ID: "test"}}
	for i := range 3 * keptRuns {
		for _, status := range []int{http.StatusInternalServerError, http.StatusOK}[i%2:] {
			_, done := d.call(t.Context(), &engine.Call{Run: &engine.Run{ID: strconv.Itoa(i), Function: f}})
			done(&adapter.Response{Status: status})
		}
	}
	require.Empty(t, d.runs)
	require.Empty(t, d.order)
	for i := range 3 * keptRuns {
		_, done := d.call(t.Context(), &engine.Call{Run: &engine.Run{ID: strconv.Itoa(i), Function: f}})
		done(&adapter.Response{Status: http.StatusInternalServerError})
	}
	require.Len(t, d.runs, keptRuns)
	require.Len(t, d.order, keptRuns)
}
