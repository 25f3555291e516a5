package hostile

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
)

var update = flag.Bool("update", false, "write what strangers learn to testdata/learned")

// changing matches times, the only part of the responses that differs between runs.
var changing = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// Every response that strangers can get, with all its headers, is in testdata/learned. A
// change there is a change of what they learn; read it before you write it with -update.
func TestWhatStrangersLearn(t *testing.T) {
	t.Parallel()
	eachFramework(t, func(t *testing.T, s *site) {
		var all strings.Builder
		for _, path := range []string{endpoint, target, endpoint + "?probe=trust", inngesthealth.DefaultPath, inngesthealth.DefaultPath + "?details=true", inngesthealth.DefaultPath + "/livez", inngesthealth.DefaultPath + "/readyz"} {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodOptions, http.MethodDelete} {
				s.learn(t, &all, method, path, "unsigned")
				if strings.HasPrefix(path, endpoint) {
					s.learn(t, &all, method, path, "malformed", "X-Inngest-Signature: x")
					s.learn(t, &all, method, path, "old", "X-Inngest-Signature: t=1&s="+strings.Repeat("0", 64))
					s.learn(t, &all, method, path, "forged", forged())
				}
			}
		}
		file := filepath.Join("testdata", "learned", s.framework+".txt")
		if *update {
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
			require.NoError(t, os.WriteFile(file, []byte(all.String()), 0o600))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), all.String())
		require.Zero(t, s.calls.Load())
	})
}

// learn appends the response to one request.
func (s *site) learn(t *testing.T, all *strings.Builder, method, path, signature string, headers ...string) {
	t.Helper()
	body := ""
	if method == http.MethodPost || method == http.MethodPut {
		body = "{}"
	}
	got := s.exchange(t, []byte(head(method, path, append(headers, length(body))...)+body), method)
	require.Len(t, got.responses, 1, got.raw)
	resp := got.responses[0]
	s.revealsNothing(t, got.raw, resp)
	fmt.Fprintf(all, "%s %s, %s: %d\n", method, strings.ReplaceAll(path, functionID, "fn"), signature, resp.status)
	resp.header.Del("Date")
	lines := make([]string, 0, len(resp.header))
	for key, values := range resp.header {
		lines = append(lines, fmt.Sprintf("  %s: %s\n", key, strings.Join(values, " | ")))
	}
	slices.Sort(lines)
	all.WriteString(strings.Join(lines, ""))
	if resp.body != "" {
		fmt.Fprintf(all, "  %s\n", changing.ReplaceAllString(strings.TrimSpace(resp.body), "<time>"))
	}
}
