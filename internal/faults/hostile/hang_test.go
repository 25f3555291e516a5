package hostile

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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
			body := strings.Repeat("x", 4<<20) // 15 of them leave less than a large call needs
			request := head(http.MethodPost, target, length(body+"x"), forged()) + body
			var all sync.WaitGroup
			for range 15 {
				conn := c.dial(t)
				all.Go(func() { _, _ = io.WriteString(conn, request) })
				t.Cleanup(func() {
					_ = conn.Close()
					all.Wait()
				})
			}
			grown := func() int64 { return (c.used(t).peak - before.peak) / 1024 }
			testsite.Eventually(t, 50*time.Millisecond, func() bool { return grown() >= 60 })
			c.works(t)
			c.executes(t, strings.Replace(call, `"data":{}`, `"data":{"x":"`+body[:4_000_000]+`"}`, 1))
			t.Logf("%s: %d MiB", framework, grown())
			require.Less(t, grown(), int64(mostLarge))
		})
	}
}
