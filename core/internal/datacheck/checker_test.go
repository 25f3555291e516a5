package datacheck_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/core/internal/datacheck"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCheckerWarnsOncePerPlace(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := &datacheck.Checker{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	place := datacheck.Place{What: "the result of step", Name: "a", Function: "fn"}
	for range 3 {
		require.NoError(t, c.Check(t.Context(), place, []byte(`{"id":1}`)))
		require.NoError(t, c.Check(t.Context(), place, []byte(`{"id":9007199254740993}`)))
	}
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"))
	require.Contains(t, log.String(), `the result of step \"a\" has an integer at id that the Inngest server would round`)
	require.Contains(t, log.String(), "function=fn path=id")
	require.NotContains(t, log.String(), "9007")
	place.Name = "b"
	require.NoError(t, c.Check(t.Context(), place, []byte(`{"id":9007199254740993}`)))
	require.Equal(t, 2, strings.Count(log.String(), "level=WARN"))

	c.Refuse = true
	for range 2 {
		require.EqualError(t, c.Check(t.Context(), place, []byte(`[9007199254740993]`)), `the result of step "b" has an integer at [] `+
			`that the Inngest server would round, because it is above 2^53; make it text, with the tag json:",string" or the type string`)
	}
	require.NoError(t, (*datacheck.Checker)(nil).Check(t.Context(), place, []byte(`9007199254740993`)))
}

// Names of steps may contain data, so the number of places is bounded.
func TestCheckerWarnsOfABoundedNumberOfPlaces(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := &datacheck.Checker{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	for i := range 2000 {
		require.NoError(t, c.Check(t.Context(), datacheck.Place{Name: strings.Repeat("x", i)}, []byte(`9007199254740993`)))
	}
	require.Equal(t, 1000, strings.Count(log.String(), "level=WARN"))
}
