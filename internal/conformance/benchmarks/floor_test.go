package benchmarks

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/codecs"
)

// BenchmarkFloor compares the SDK and us with what a call has to do at least: read the body,
// verify its signature, cut out the event and the memoized results, decode each once into its
// type, and encode the response. The three take turns, and the figures are medians.
func BenchmarkFloor(b *testing.B) { eachCall(b, overFloor) }

// BenchmarkCodecs compares what a call takes with each Config.JSON.
func BenchmarkCodecs(b *testing.B) { eachCall(b, withCodecs) }

// eachCall runs a benchmark of calls with events of several sizes and with memoized steps.
func eachCall(b *testing.B, bench func(b *testing.B, data benchData, steps int)) {
	b.Helper()
	for _, size := range eventSizes {
		b.Run(fmt.Sprintf("items/event=%dKiB", size>>10), func(b *testing.B) { bench(b, itemsOf(size), 0) })
	}
	for _, size := range eventSizes {
		b.Run(fmt.Sprintf("text/event=%dKiB", size>>10), func(b *testing.B) { bench(b, textOf(size), 0) })
	}
	for _, steps := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("steps=%d", steps), func(b *testing.B) { bench(b, itemsOf(1<<10), steps) })
	}
}

func overFloor(b *testing.B, data benchData, steps int) {
	b.Helper()
	body := callBody(b, data, steps)
	handlers := []http.Handler{floor(b, steps), onGin(b, 1, stepsThenDone(steps)), bareSDK(b, 1, sdkStepsThenDone(steps))}
	call := caller(b, body)
	calls := make([]func(), len(handlers))
	for i, handler := range handlers {
		calls[i] = func() { call(handler) }
	}
	inTurn(b, []string{"floor", "ours", "sdk"}, calls)
}

func withCodecs(b *testing.B, data benchData, steps int) {
	b.Helper()
	call := caller(b, callBody(b, data, steps))
	least := floor(b, steps)
	names, calls := []string{"floor"}, []func(){func() { call(least) }}
	for _, with := range []struct {
		name  string
		codec inngestkit.JSON
	}{{"encoding/json", nil}, {"go-json-experiment", codecs.V1}, {"sonic", codecs.Sonic}} {
		app, err := newAppWith(with.codec, 1, stepsThenDone(steps))
		require.NoError(b, err)
		handler := mounted(app)
		names, calls = append(names, with.name), append(calls, func() { call(handler) })
	}
	inTurn(b, names, calls)
}

// floor returns a handler that does what every handler of this call must do, and checks
// nothing else.
func floor(b *testing.B, steps int) http.Handler {
	b.Helper()
	keys := make([]string, steps)
	for i := range keys {
		keys[i] = stepKey(i)
	}
	r := gin.New()
	r.POST(path, func(c *gin.Context) {
		body := verifiedBody(b, c)
		var event inngestkit.Event[benchData]
		ok(b, json.Unmarshal(eventIn(body), &event))
		if steps > 0 {
			results := map[string]string{}
			gjson.GetBytes(body, "steps").ForEach(func(key, value gjson.Result) bool {
				results[key.Str] = value.Get("data").Raw
				return true
			})
			for _, key := range keys {
				var result benchResult
				ok(b, json.Unmarshal([]byte(results[key]), &result))
			}
		}
		c.JSON(http.StatusOK, "done")
	})
	return r
}

// verifiedBody reads the body of a call, and verifies its signature.
func verifiedBody(b *testing.B, c *gin.Context) []byte {
	b.Helper()
	body, err := io.ReadAll(c.Request.Body)
	ok(b, err)
	signature, err := url.ParseQuery(c.GetHeader("X-Inngest-Signature"))
	ok(b, err)
	mac := hmac.New(sha256.New, []byte(strings.TrimPrefix(benchKey, "signkey-test-")))
	mac.Write(body)
	mac.Write([]byte(signature.Get("t")))
	if signature.Get("s") != hex.EncodeToString(mac.Sum(nil)) {
		b.Fatal("the signature is wrong")
	}
	return body
}

func eventIn(body []byte) []byte { return []byte(gjson.GetBytes(body, "event").Raw) }

func sdkStepsThenDone(steps int) benchHandler {
	return func(ctx context.Context, _ inngestkit.Input[benchData]) (any, error) {
		for i := range steps {
			if _, err := sdkstep.Run(ctx, stepName(i), benchStep); err != nil {
				return nil, err
			}
		}
		return "done", nil
	}
}
