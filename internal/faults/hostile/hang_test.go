package hostile

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// Strangers who send most of a large body, and hang, take bounded memory. The server's large
// calls succeed after some seconds, and its small ones at once, even on a server without
// timeouts. The other frameworks belong to the long form.
func TestStrangersWhoHang(t *testing.T) {
	t.Parallel()
	frameworks := []string{"nethttp", "fiber"}
	if *long {
		frameworks = slices.Sorted(maps.Keys(testsite.Frameworks))
	}
	for _, framework := range frameworks {
		if framework == "lambda" { // see TestCostOfStrangers
			continue
		}
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			c := newChild(t, framework, 0)
			c.works(t)
			before := c.used(t)
			request := head(http.MethodPost, target, "Content-Length: 5000000", forged()) + strings.Repeat("x", 4<<20)
			var all sync.WaitGroup
			for range 50 {
				conn := c.dial(t)
				all.Go(func() { _, _ = io.WriteString(conn, request) }) // blocks while the app does not read
				t.Cleanup(func() {
					_ = conn.Close()
					all.Wait()
				})
			}
			c.works(t)
			c.executes(t, strings.Replace(call, `"data":{}`, `"data":{"x":"`+strings.Repeat("x", 3<<20)+`"}`, 1))
			peak := (c.used(t).peak - before.peak) / 1024
			t.Logf("%s: %d MiB", framework, peak)
			require.Less(t, peak, int64(mostLarge))
		})
	}
}
