package inngestkit_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// The error of a refused sync says what to compare.
func TestSyncRefusals(t *testing.T) {
	t.Parallel()
	const invalid = `{"error":"At least one function is invalid","data":null,"status":400}`
	apps := func(detail string) string {
		return `{"data":{"apps":[{"externalID":"other","url":"http://127.0.0.1:1/api/inngest","error":"not this"},` +
			`{"externalID":"app","url":"http://127.0.0.1:1/api/inngest","error":"` + detail + `"}]}}`
	}
	for _, tc := range []struct {
		name    string
		change  func(c *inngestkit.Config)
		status  int
		body    string
		apps    string
		message string
	}{
		{"wrong keys", func(*inngestkit.Config) {}, 401, `{"error":"no"}`, "",
			"401 Unauthorized: no; it refused the signing key and its fallback: compare SigningKey (INNGEST_SIGNING_KEY) and SigningKeyFallback"},
		{"a wrong key", func(c *inngestkit.Config) { c.SigningKeyFallback = "" }, 403, "", "",
			"it refused the signing key: compare SigningKey (INNGEST_SIGNING_KEY) with the server's"},
		{"no key", func(c *inngestkit.Config) { c.Dev, c.SigningKey, c.SigningKeyFallback = true, "", "" }, 401, `{"error":"no"}`, "",
			"it requires a signing key: set SigningKey (INNGEST_SIGNING_KEY)"},
		{"an expression", func(*inngestkit.Config) {}, 400, invalid,
			apps(`1 errors occurred: * invalid trigger expression on 'user/signed-up': ERROR: <input>:1:14: Syntax error\n | event.data.id =\n | ....^`),
			`400 Bad Request: At least one function is invalid: 1 errors occurred: * invalid trigger expression on 'user/signed-up': ` +
				`ERROR: <input>:1:14: Syntax error | event.data.id = | ....^; it is probably about function "bad"`},
		{"a function that the server names", func(*inngestkit.Config) {}, 400, invalid, apps("function app-good is invalid"),
			`function app-good is invalid; it is probably about function "good"`},
		{"nothing to tell them apart", func(*inngestkit.Config) {}, 400, invalid, apps("disk full"), "At least one function is invalid: disk full"},
		{"nothing but what all have", func(*inngestkit.Config) {}, 400, invalid, apps("trigger 'user/signed-up'"),
			"At least one function is invalid: trigger 'user/signed-up'"},
		{"a detail of something else", func(*inngestkit.Config) {}, 400, invalid, apps("unreachable"),
			"At least one function is invalid; the server's log may say more. If the cause is an expression, it is in one of these functions: bad"},
		{"no detail", func(*inngestkit.Config) {}, 400, invalid, "<html>",
			"At least one function is invalid; the server's log may say more. If the cause is an expression, it is in one of these functions: bad"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server := newAPI(t, func(w http.ResponseWriter, r *http.Request, _ int) {
				if r.URL.Path == "/v0/gql" {
					_, _ = io.WriteString(w, tc.apps)
					return
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			config := cloud
			config.BaseURL, config.ServeHost = server.URL, "http://127.0.0.1:1"
			config.HTTPClient = server.Client()
			tc.change(&config)
			app, _ := newAppWith(t, config, inngestkit.OnEvent("good", signedUp, hello),
				inngestkit.OnEvent("bad", signedUp.If("event.data.id ="), hello))
			app.MountedAt("test", "/api/inngest")
			err := app.Sync(t.Context())
			require.ErrorContains(t, err, tc.message)
			if !strings.Contains(tc.message, "probably about") && tc.status == http.StatusBadRequest {
				require.True(t, strings.HasSuffix(err.Error(), tc.message), err.Error())
			}
		})
	}
}
