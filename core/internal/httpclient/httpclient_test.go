package httpclient

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"7.5":                           0,
		"soon":                          0,
		"Sat, 01 Jan 2000 00:00:09 GMT": 9 * time.Second, // the bubble begins at midnight
		"Fri, 31 Dec 1999 23:59:59 GMT": 0,
		"Fri, 31 Dec 9999 23:59:59 GMT": maxRetryAfter,
		"9223372036":                    maxRetryAfter,
		"9223372037":                    maxRetryAfter, // in nanoseconds it overflows
		"18446744073709551615":          maxRetryAfter,
		"99999999999999999999999999":    maxRetryAfter,
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				require.Equal(t, want, RetryAfter(http.Header{"Retry-After": {value}}))
			})
		})
	}
}
