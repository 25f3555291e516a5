package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

const noRetry, retryAfter, sdk = "X-Inngest-No-Retry", "Retry-After", "X-Inngest-Sdk"

// What responses without steps mean. Functions have 4 attempts.
func TestResponses(t *testing.T) {
	t.Parallel()
	const backoff = (15 + 30 + 60) * time.Second
	notSDK := `{"error":{"error":"The response did not come from an Inngest SDK"`
	for _, test := range []struct {
		name     string
		version  version.Version
		response *adapter.Response
		status   Status
		calls    int
		after    time.Duration
		output   string // the beginning
		problem  string // a part of the error in events
	}{
		{"200 object", "", response(200, `{"b":1.0,"a":"<"}`), Completed, 1, 0, `{"a":"<","b":1}`, ""},
		{"200 array", "", response(200, `[1, 2]`), Completed, 1, 0, `[1,2]`, ""},
		{"200 nothing", "", response(200, ``), Completed, 1, 0, `null`, ""},
		{"200 not JSON", "", response(200, `hello`), Completed, 1, 0, `"hello"`, ""},
		{"200 object as text", "", response(200, `"{\"a\": 1}"`), Completed, 1, 0, `{"a":1}`, ""},
		{"200 array as text", "", response(200, `"[1]"`), Completed, 1, 0, `"[1]"`, ""},
		{"200 equal keys", "", response(200, `{"a":1,"a":2}`), Completed, 1, 0, `{"a":2}`, ""},
		{"204", "", response(204, ``), Completed, 1, 0, `null`, ""},
		{"200 no retry", "", response(200, `{"message":"m"}`, noRetry, "true"), Failed, 1, 0, `{"message":"m"}`, `"error":"NonRetriableError"`},
		{"200 retry after", "", response(200, `{"message":"m"}`, retryAfter, "7"), Failed, 4, 21 * time.Second, `{"message":"m"}`, `"error":"retry at"`},
		{"500", "", response(500, `{"name":"N","message":"m","stack":"s"}`), Failed, 4, backoff, `{"message":"m","name":"N","stack":"s"}`, `"error":"invalid status code: 500","message":"m","name":"N","stack":"s"`},
		{"500 text", "", response(500, `oops`), Failed, 4, backoff, `"oops"`, `"message":"oops"`},
		{"500 nothing", "", response(500, ``), Failed, 4, backoff, `"invalid status code: 500"`, `"message":"invalid status code: 500"`},
		{"400 is tried again", "", response(400, `{"message":"m"}`), Failed, 4, backoff, `{"message":"m"}`, ""},
		{"410 is tried again", "", response(410, `{"message":"m"}`), Failed, 4, backoff, `{"message":"m"}`, ""},
		{"400 no retry", "", response(400, `{"message":"m"}`, noRetry, "true"), Failed, 1, 0, `{"message":"m"}`, `"error":"NonRetriableError"`},
		{"500 retry after", "", response(500, `{}`, retryAfter, "60"), Failed, 4, 3 * time.Minute, `{}`, ""},
		{"500 retry after 9 days", "", response(500, `{}`, retryAfter, "777600"), Failed, 4, 72 * time.Hour, `{}`, ""},
		{"nested error", "", response(500, `{"error":{"name":"N","message":"m"}}`, noRetry, "true"), Failed, 1, 0, `{"error":{"message":"m","name":"N"}}`, `"message":"m","name":"N"`},
		{"200 of a proxy", "", response(200, `"hi"`, sdk, ""), Failed, 4, backoff, `"hi"`, notSDK[10:]},
		{"502 of a proxy", "", response(502, `bad gateway`, sdk, ""), Failed, 4, backoff, `{"error":"Your server returned HTTP 502 before the SDK responded."`, `"name":"Server returned a fatal error"`},
		{"502 of a proxy, v1.12.1", version.Oldest, response(502, `bad gateway`, sdk, ""), Failed, 4, backoff, `"bad gateway"`, `"message":"bad gateway"`},
		{"206 of a proxy", "", ops(`[]`, sdk, ""), Failed, 4, backoff, `""`, ""},
		{"too large", "", response(200, `"`+strings.Repeat("x", 8<<20)+`"`), Failed, 4, backoff, `{"error":{"error":"output_too_large: Your function's response body exceeds`, ""},
		{"no response", "", nil, Failed, 4, backoff, `{"error":{"error":"Unable to reach SDK URL"`, ""},
		{"206 not JSON", "", ops(`{`), Failed, 4, backoff, `{"error":{"error":"error reading generator opcode response: unexpected end of JSON input"`, ""},
		{"206 no operation", "", ops(`"x"`), Failed, 4, backoff, `{"error":{"error":"error reading generator opcode response: expected JSON object or array"`, ""},
		{"206 unknown operation", "", ops(`[{"op":"Dance","id":"a"}]`), Failed, 4, backoff, `{"error":{"error":"error reading generator opcode response: Dance does not belong to Opcode values"`, ""},
		{"206 step too large", "", ops(`[{"op":"StepRun","id":"a","data":"` + strings.Repeat("x", 4<<20) + `"}]`), Failed, 4, backoff, `{"error":{"error":"error validating generator opcode a: step output size is greater than the limit"`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Config{NoJitter: true, Version: test.version})
			s := &script{t: t, respond: func(*received) *adapter.Response { return test.response }}
			run := w.begin(newFunction(s.do, 3))
			w.finish()
			require.Equal(t, test.status, run.Status)
			require.Equal(t, test.calls, run.Calls)
			require.Equal(t, test.after, run.Ended.Sub(start))
			require.Contains(t, string(run.Output), test.output)
			require.Contains(t, string(run.problem), test.problem)
		})
	}
}

// The server draws the time between attempts from a range, here with the engine's seed.
func TestJitter(t *testing.T) {
	t.Parallel()
	ended := func(seed uint64) time.Duration {
		_, run, _ := runScript(t, Config{Seed: seed}, func(*received) *adapter.Response { return response(500, `{}`) })
		return run.Ended.Sub(start)
	}
	seen := map[time.Duration]bool{}
	for seed := range uint64(20) {
		took := ended(seed)
		require.Equal(t, took, ended(seed))
		require.GreaterOrEqual(t, took, 105*time.Second)
		require.Less(t, took, 195*time.Second)
		require.Equal(t, took, took.Truncate(time.Millisecond))
		seen[took] = true
	}
	require.Len(t, seen, 20)
	_, run, _ := runScript(t, Config{RetryInterval: time.Second}, func(*received) *adapter.Response { return response(500, `{}`) })
	require.Equal(t, 3*time.Second, run.Ended.Sub(start))
}
