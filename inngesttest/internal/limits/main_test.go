package limits

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start is when the tests begin.
var start = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

// after returns the time that many seconds after start.
func after(seconds float64) time.Time {
	return start.Add(time.Duration(seconds * float64(time.Second)).Round(time.Microsecond))
}

// seconds returns how long at is after start.
func seconds(at time.Time) float64 { return at.Sub(start).Seconds() }

var versions = []version.Version{version.Oldest, version.Newest}
