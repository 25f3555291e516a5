package load_test

import (
	"flag"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// The long form of the tests:
//
//	go test ./internal/faults/load -v -parallel 1 -timeout 0 -load.time 10m -load.runs 10000 -load.nap 30m -load.batch 100 -load.all
var (
	loadTime  = flag.Duration("load.time", time.Second, "how long each load lasts")
	loadRuns  = flag.Int("load.runs", 50, "how many runs sleep at the same time, and a tenth of the events sent in bulk")
	loadNap   = flag.Duration("load.nap", 3*time.Second, "how long they sleep, which must be longer than their start takes")
	loadBatch = flag.Int("load.batch", 20, "how many runs are begun at the same time, twice as many as may remain of the last ones")
	loadAll   = flag.Bool("load.all", false, "TestServerLoad on all adapters; the other tests with PostgreSQL and Redis")
)

func TestMain(m *testing.M) {
	app.Main()
	testsite.VerifyTestMain(m)
}

// backend returns where the server keeps its state: in the long form in PostgreSQL and Redis,
// in the short form in memory, because a fresh machine lacks the programs.
func backend(tb testing.TB) lab.Backend {
	tb.Helper()
	if *loadAll {
		return lab.PostgresRedis(tb)
	}
	return lab.Memory()
}

// frameworks returns those that the real server calls.
func frameworks() []string {
	if !*loadAll {
		return []string{"nethttp"}
	}
	return slices.Sorted(maps.Keys(testsite.Frameworks))
}
