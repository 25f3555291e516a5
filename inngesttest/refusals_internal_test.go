package inngesttest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// logOf is a test that keeps its log.
type logOf struct {
	testing.TB

	lines []string
}

func (l *logOf) Log(args ...any) { l.lines = append(l.lines, args[0].(string)) }

func TestLongAttributesAreCut(t *testing.T) {
	t.Parallel()
	log := &logOf{TB: t}
	testLogger(log).Warn("large", "body", strings.Repeat("é", 10_000))
	require.Less(t, len(log.lines[0]), 1200)
	require.Contains(t, log.lines[0], "…")
}

func TestErrorOfASecondDriver(t *testing.T) {
	t.Parallel()
	v := &virtual{}
	require.ErrorContains(t, v.errDriven(), "another goroutine advances this engine")
	v.calling.Add(1)
	require.ErrorContains(t, v.errDriven(), "a function cannot let time pass in its own call")
}
