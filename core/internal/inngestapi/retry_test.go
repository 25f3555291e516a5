package inngestapi

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A server that always requests one more second does not delay a caller forever, and a
// caller can bound the number of attempts.
func TestReattemptsEnd(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		maxAttempts uint
		after       time.Duration
		attempts    int
		within      time.Duration
	}{
		{"as often as the server requests", 0, time.Second, 31, 30 * time.Second},
		{"a wait beyond the time limit", 0, 31 * time.Second, 1, 0},
		{"up to the limit of attempts", 4, time.Second, 4, 3 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start, attempts := time.Now(), 0
				got := doWithRetry(t.Context(), tc.maxAttempts, func() response {
					attempts++
					return response{status: http.StatusTooManyRequests, retryAfter: tc.after}
				})
				require.Equal(t, tc.attempts, attempts)
				require.Equal(t, tc.within, time.Since(start))
				require.Equal(t, response{status: http.StatusTooManyRequests, retryAfter: tc.after}, got)
			})
		})
	}
}
