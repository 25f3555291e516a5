package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// sentRequest records a request to the fake event API.
type sentRequest struct {
	seed   string
	bytes  int
	events []string // the IDs in their data
}

// eventAPI is an event API in memory. It accepts events as the server does and names them
// <seed>/<place in the request>, unless answer returns a response.
type eventAPI struct {
	answer func(n int, r *http.Request) (*http.Response, error)

	mu       sync.Mutex
	requests []sentRequest
}

func (a *eventAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if !gjson.ValidBytes(body) {
		return nil, errors.New("the body is not JSON")
	}
	events := gjson.GetBytes(body, "#.data.id").Array()
	got := sentRequest{seed: r.Header.Get("X-Inngest-Event-Id-Seed"), bytes: len(body)}
	ids := make([]string, len(events))
	for i, id := range events {
		got.events = append(got.events, id.Str)
		ids[i] = fmt.Sprintf("%s/%d", got.seed, i)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests = append(a.requests, got)
	if a.answer != nil {
		if resp, err := a.answer(len(a.requests), r); resp != nil || err != nil {
			return resp, err
		}
	}
	answer, err := json.Marshal(map[string]any{"ids": ids, "status": 200})
	return response(http.StatusOK, string(answer), nil), err
}

func (a *eventAPI) app(t *testing.T) *inngestkit.App {
	t.Helper()
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: &http.Client{Transport: a}})
	return app
}

// numbered returns events whose data has an ID of 5 digits and padding.
func numbered(n, padding int) []inngestkit.AnyEvent {
	events := make([]inngestkit.AnyEvent, n)
	for i := range events {
		events[i] = signedUp.New(user{ID: fmt.Sprintf("%05d%s", i, strings.Repeat("x", padding))})
	}
	return events
}

func TestSendSplitsByNumber(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ events, requests []int }{
		{[]int{4999}, []int{4999}},
		{[]int{5000}, []int{5000}},
		{[]int{5001}, []int{5000, 1}},
		{[]int{12001}, []int{5000, 5000, 2001}},
	} {
		api := &eventAPI{}
		ids, err := api.app(t).Send(t.Context(), numbered(tc.events[0], 0)...)
		require.NoError(t, err)
		require.Len(t, ids, tc.events[0])
		require.Len(t, api.requests, len(tc.requests))
		seeds := map[string]bool{}
		next := 0
		for i, r := range api.requests {
			require.Len(t, r.events, tc.requests[i])
			require.False(t, seeds[r.seed], "IDs derive from the seed and the place in the request")
			seeds[r.seed] = true
			for place, id := range r.events {
				require.Equal(t, fmt.Sprintf("%05d", next), id)
				require.Equal(t, fmt.Sprintf("%s/%d", r.seed, place), ids[next])
				next++
			}
		}
	}
}

// The largest request that is not split, the smallest that is, and the largest event.
func TestSendSplitsBySize(t *testing.T) {
	t.Parallel()
	const limit = 3 << 20
	one, err := json.Marshal(numbered(1, 0)[0])
	require.NoError(t, err)
	two := (limit - len("[,]") - 2*len(one)) / 2 // the padding with which two events just fit one request
	for _, tc := range []struct {
		name     string
		events   []inngestkit.AnyEvent
		requests []int
		largest  int
	}{
		{"two fit", append(numbered(1, two), numbered(1, two+1)...), []int{2}, limit},
		{"two do not", numbered(2, two+1), []int{1, 1}, len("[]") + len(one) + two + 1},
		{"nor do four", numbered(4, two+1), []int{1, 1, 1, 1}, len("[]") + len(one) + two + 1},
		{"the largest events", numbered(2, limit-len(one)), []int{1, 1}, limit + len("[]")},
		{"small ones around a large one", append(append(numbered(2, 0), numbered(1, limit-len(one))...), numbered(2, 0)...),
			[]int{2, 1, 2}, limit + len("[]")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			api := &eventAPI{}
			ids, err := api.app(t).Send(t.Context(), tc.events...)
			require.NoError(t, err)
			require.Len(t, ids, len(tc.events))
			largest := 0
			var requests []int
			for _, r := range api.requests {
				requests = append(requests, len(r.events))
				largest = max(largest, r.bytes)
			}
			require.Equal(t, tc.requests, requests)
			require.Equal(t, tc.largest, largest)
		})
	}
}

func TestSendRefusesAnEventAboveTheLimit(t *testing.T) {
	t.Parallel()
	api := &eventAPI{}
	events := append(numbered(7000, 0), signedUp.New(user{ID: strings.Repeat("x", 3<<20)}))
	_, err := api.app(t).Send(t.Context(), events...)
	require.ErrorContains(t, err, `inngestkit: send: event 7000: "user/signed-up" has 3145770 bytes as JSON, at most 3145728 are allowed`)
	require.Empty(t, api.requests, "none is sent")
}

type answer func() (*http.Response, error)

func answered(status int, body string) answer {
	return func() (*http.Response, error) { return response(status, body, nil), nil }
}

func failed(err error) answer { return func() (*http.Response, error) { return nil, err } }

// The SendError for 12,000 events if the second request fails.
func TestSendReportsWhichOfManyEventsWereSent(t *testing.T) {
	t.Parallel()
	refused := failed(&net.OpError{Op: "dial", Err: errors.New("connection refused")})
	lost := failed(errors.New("connection reset"))
	partial := `{"ids":["a","b"],"status":400,"error":"why"}`
	for _, tc := range []struct {
		name      string
		answers   []answer // to the attempts of the second request; the last one is repeated
		sent      int
		uncertain int
		status    int
		message   string
	}{
		{"refused in the middle", []answer{answered(400, partial)}, 5002, 0, 400,
			"not sent, except the first 5002: the server responded with 400 Bad Request: why"},
		{"the first is refused", []answer{answered(400, `{"ids":[""],"status":400,"error":"why"}`)}, 5000, 0, 400, "except the first 5000: "},
		{"not allowed", []answer{answered(401, `{"error":"no"}`)}, 5000, 0, 401, "check EventKey"},
		{"no connection", []answer{refused}, 5000, 0, 0, "except the first 5000: dial: connection refused"},
		{"no response", []answer{lost}, 5000, 5000, 0, "except the first 5000 and perhaps the next 5000: connection reset"},
		{"a proxy's response", []answer{answered(504, "<html>")}, 5000, 5000, 504, "except the first 5000 and perhaps the next 5000"},
		{"overload", []answer{answered(429, "")}, 5000, 0, 429, "429"},
		{"no response, then not allowed", []answer{lost, answered(403, "")}, 5000, 5000, 403, "except the first 5000 and perhaps the next 5000"},
		{"no response, then refused in the middle", []answer{lost, answered(400, partial)}, 5002, 0, 400, "first 5002: "},
		{"no response, then a proxy's refusal", []answer{lost, answered(400, "<html>")}, 5000, 5000, 400, "except the first 5000 and perhaps the next 5000"},
		{"too few IDs", []answer{answered(200, `{"ids":["a","b"]}`)}, 5002, 0, 200, "the server took 2 of 5000 events"},
		{"not an Inngest server", []answer{answered(200, `<html>`)}, 5000, 5000, 200, "the response did not come from an Inngest server"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api := &eventAPI{answer: func(n int, _ *http.Request) (*http.Response, error) {
					if n == 1 {
						return nil, nil
					}
					return tc.answers[min(n-2, len(tc.answers)-1)]()
				}}
				events := numbered(12000, 0)
				ids, err := api.app(t).Send(t.Context(), events...)
				var sendErr *inngestkit.SendError
				require.ErrorAs(t, err, &sendErr)
				require.Equal(t, ids, sendErr.IDs)
				require.Len(t, sendErr.IDs, tc.sent)
				require.Equal(t, tc.uncertain, sendErr.Uncertain)
				require.Equal(t, tc.status, sendErr.Status)
				require.ErrorContains(t, err, tc.message)
				for _, r := range api.requests[1:] {
					require.Equal(t, "05000", r.events[0], "it stopped at the second request")
					require.Equal(t, api.requests[1].seed, r.seed, "one seed for all attempts of a request")
					require.NotEqual(t, api.requests[0].seed, r.seed)
				}
			})
		})
	}
}

func TestSendStopsBetweenRequests(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	api := &eventAPI{answer: func(int, *http.Request) (*http.Response, error) {
		cancel(errors.New("enough"))
		return nil, nil
	}}
	ids, err := api.app(t).Send(ctx, numbered(5001, 0)...)
	var sendErr *inngestkit.SendError
	require.ErrorAs(t, err, &sendErr)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "except the first 5000: context canceled: enough")
	require.Len(t, ids, 5000)
	require.Zero(t, sendErr.Uncertain, "the second request was not made")
	require.Len(t, api.requests, 1)
}

// hanging does not respond until the request's context is done.
func hanging(_ int, r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestSendStopsInMidRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := (&eventAPI{answer: hanging}).app(t).Send(ctx, numbered(2, 0)...)
		var sendErr *inngestkit.SendError
		require.ErrorAs(t, err, &sendErr)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, 2, sendErr.Uncertain)
	})
}

// Neither the caller's context nor the HTTP client has a time limit.
func TestSendDoesNotHangWithTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := (&eventAPI{answer: hanging}).app(t).Send(t.Context(), numbered(1, 0)...)
		require.Error(t, err)
		require.LessOrEqual(t, time.Since(start), time.Minute)
	})
}
