package connect_test

import (
	"flag"
	"os"
	"testing"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
)

var longForm = flag.Bool("faults.long", false, "wait for calls of workers that were killed, and use PostgreSQL and Redis")

func TestMain(m *testing.M) {
	app.Main()
	if code, done := testsite.Isolated(); done {
		os.Exit(code)
	}
	testsite.VerifyTestMain(m)
}
