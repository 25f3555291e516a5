package inngestapi

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type transport func(r *http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// bodies counts the bodies that are open.
type bodies struct {
	io.Reader

	open *int
}

func (b bodies) Close() error { *b.open--; return nil }

func eventsOf(events ...string) *Events {
	e := NewEvents(0)
	for _, event := range events {
		e.Add([]byte(event))
	}
	return e
}

func TestResponses(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for _, tc := range []struct {
		name    string
		status  int
		length  int64
		body    io.Reader
		want    response
		message string
	}{
		{"fine", 200, -1, strings.NewReader("{}"), response{status: 200, body: []byte("{}")}, ""},
		{"as large as may be", 200, -1, strings.NewReader("1234"), response{status: 200, body: []byte("1234")}, ""},
		{"larger", 200, -1, strings.NewReader("12345"), response{status: 200, body: []byte("1234"), uncertain: true}, "the response has more than 4 bytes"},
		{"larger by its length", 200, 5, readError{errors.New("read")}, response{status: 200, uncertain: true}, "the response has more than 4 bytes"},
		{"a large error page", 502, 5, strings.NewReader("12345"), response{status: 502, body: []byte("1234"), uncertain: true}, ""},
		{"a refusal", 400, -1, strings.NewReader("12345"), response{status: 400, body: []byte("1234")}, ""},
		{"cut off", 200, -1, io.MultiReader(strings.NewReader("1"), readError{broken}), response{uncertain: true}, "reading the response: connection reset"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			open := 0
			c := New(Options{HTTPClient: &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
				open++
				return &http.Response{StatusCode: tc.status, ContentLength: tc.length, Body: bodies{tc.body, &open}}, nil
			})}, APIBaseURL: "http://server.test", Header: http.Header{}})
			got := c.do(t.Context(), request{method: http.MethodGet, to: c.api, limit: 4}, "")
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
