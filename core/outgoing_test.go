package inngestkit

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

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
				require.Equal(t, want, retryAfter(http.Header{"Retry-After": {value}}))
			})
		})
	}
}

type transport func(r *http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// bodies counts bodies that are open.
type bodies struct {
	io.Reader

	open *int
}

func (b bodies) Close() error { *b.open--; return nil }

func TestAnswers(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for _, tc := range []struct {
		name    string
		status  int
		length  int64
		body    io.Reader
		want    outcome
		message string
	}{
		{"fine", 200, -1, strings.NewReader("{}"), outcome{status: 200, body: []byte("{}")}, ""},
		{"as large as may be", 200, -1, strings.NewReader("1234"), outcome{status: 200, body: []byte("1234")}, ""},
		{"larger", 200, -1, strings.NewReader("12345"), outcome{status: 200, body: []byte("1234"), lost: true}, "the answer has more than 4 bytes"},
		{"larger by its length", 200, 5, readError{errors.New("read")}, outcome{status: 200, lost: true}, "the answer has more than 4 bytes"},
		{"a large error page", 502, 5, strings.NewReader("12345"), outcome{status: 502, body: []byte("1234"), lost: true}, ""},
		{"a refusal", 400, -1, strings.NewReader("12345"), outcome{status: 400, body: []byte("1234")}, ""},
		{"cut off", 200, -1, io.MultiReader(strings.NewReader("1"), readError{broken}), outcome{lost: true}, "reading the answer: connection reset"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			open := 0
			c := Config{HTTPClient: &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
				open++
				return &http.Response{StatusCode: tc.status, ContentLength: tc.length, Body: bodies{tc.body, &open}}, nil
			})}}
			got := c.try(t.Context(), outgoing{method: http.MethodGet, url: "http://server.test", limit: 4, header: func(http.Header) {}})
			require.Zero(t, open, "the body is closed")
			if tc.message == "" {
				require.NoError(t, got.err)
			} else {
				require.EqualError(t, got.err, tc.message)
			}
			got.err = nil
			require.Equal(t, tc.want, got)
		})
	}
}

type readError struct{ err error }

func (r readError) Read([]byte) (int, error) { return 0, r.err }

// A server that always asks for a second more does not hold up a caller for ever,
// and the number of tries is bounded if somebody waits.
func TestPersistEnds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		maxTries uint
		after    time.Duration
		tries    int
		within   time.Duration
	}{
		{"as often as it asks for", 0, time.Second, 31, 30 * time.Second},
		{"for longer than there is time", 0, 31 * time.Second, 1, 0},
		{"as often as allowed", 4, time.Second, 4, 3 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start, tries := time.Now(), 0
				got := persist(t.Context(), tc.maxTries, func() outcome {
					tries++
					return outcome{status: http.StatusTooManyRequests, retryAfter: tc.after}
				})
				require.Equal(t, tc.tries, tries)
				require.Equal(t, tc.within, time.Since(start))
				require.Equal(t, outcome{status: http.StatusTooManyRequests, retryAfter: tc.after}, got)
			})
		})
	}
}
