package hostile

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A malformed request without a valid signature executes nothing, gets no success, learns
// nothing, and ends where the server thinks it ends.
func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	requests := corpus()
	eachFramework(t, func(t *testing.T, s *site) {
		for _, request := range requests {
			t.Run(request.name, func(t *testing.T) {
				got := s.exchange(t, request.bytes, request.method)
				s.judge(t, request, got)
			})
			s.hidden.Store(0)
		}
		require.Zero(t, s.calls.Load())
		s.works(t)
	})
}

// judge fails the test if the responses to a malformed request are wrong.
func (s *site) judge(t *testing.T, request malformed, got exchanged) {
	t.Helper()
	about := request.name + ": " + got.raw[:min(len(got.raw), 2000)]
	require.Zero(t, s.calls.Load(), about)
	require.Empty(t, got.rest, about)
	if !request.follows {
		require.Zero(t, s.hidden.Load(), "a part of the request was served: %s", about)
		require.LessOrEqual(t, len(got.responses), 1, about)
	}
	for n, resp := range got.responses {
		if n == 0 && request.method != http.MethodGet {
			require.GreaterOrEqual(t, resp.status, http.StatusMultipleChoices, about)
		}
		s.revealsNothing(t, about, resp)
	}
}

// revealing matches Go types, files, stacks and addresses.
var revealing = regexp.MustCompile(`\.go:\d|goroutine \d|runtime error|\*?\b(adapter|inngestkit|http|fasthttp|json|url)\.[A-Z]\w+|0x[0-9a-f]{6,}|/root/|/home/`)

// revealsNothing fails the test if a response has something that strangers must not know,
// or sends its client to another host.
func (s *site) revealsNothing(t *testing.T, about string, resp response) {
	t.Helper()
	var text strings.Builder
	require.NoError(t, resp.header.Write(&text))
	text.WriteString(resp.body)
	for _, secret := range []string{signingKey[13:29], fallbackKey[13:29], eventKey, otherFunctionID, otherEvent, stepID, apiURL} {
		require.NotContains(t, text.String(), secret, about)
	}
	require.False(t, revealing.MatchString(text.String()), about)
	if location := resp.header.Get("Location"); location != "" {
		u, err := url.Parse(location)
		require.NoError(t, err, about)
		require.Contains(t, []string{"", "warehouse.test"}, u.Host, about)
		require.False(t, strings.HasPrefix(location, "//") || strings.HasPrefix(location, `/\`), about)
	}
}

// The detector works: a request to hiddenPath after a complete request is served.
func TestHiddenRequestsAreCounted(t *testing.T) {
	t.Parallel()
	eachFramework(t, func(t *testing.T, s *site) {
		got := s.exchange(t, []byte(head(http.MethodGet, endpoint)+hidden), http.MethodGet)
		require.Len(t, got.responses, 2, got.raw)
		require.EqualValues(t, 1, s.hidden.Load())
	})
}
