package engine

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	for text, d := range map[string]time.Duration{
		"0s": 0, "1.5s": 1500 * time.Millisecond, "1h0m0s": time.Hour, "23h59m59s": 24*time.Hour - time.Second,
		"1d": 24 * time.Hour, "7d": 168 * time.Hour, "2d3h": 51 * time.Hour, "1d10m": 24*time.Hour + 10*time.Minute,
		"1d1h0m5s": 25*time.Hour + 5*time.Second, "1d20h10m": 44*time.Hour + 10*time.Minute, "1d30s": 24*time.Hour + 30*time.Second,
	} {
		require.Equal(t, text, Span(d))
	}
}

// Rows that come from the response of a call have its number, those of later events have none.
func TestRowsOfAResponseHaveItsCall(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, on("f", "x", func(ctx context.Context, in input) (any, error) {
		step.Sleep(ctx, "week", 7*24*time.Hour)
		if _, err := signalled()(ctx, in); err != nil {
			return nil, err
		}
		if _, err := step.Invoke(ctx, "other", inngestkit.Ref[data, any]{AppID: "test", FunctionID: "g"}, data{}); err != nil {
			return nil, err
		}
		return waiting()(ctx, in)
	}), on("g", "y", echo))
	s.send("x", data{})
	s.settle()
	s.pass(7 * 24 * time.Hour)
	s.pass(2 * time.Hour)
	s.pass(2 * time.Hour)
	var rows []string
	for _, r := range s.rows {
		if r.Run == s.only("f") {
			rows = append(rows, fmt.Sprintf("%d %s: %s", r.Call, r.Step, r.Text))
		}
	}
	require.Equal(t, []string{
		"1 week: sleeps 7d",
		"0 week: slept",
		`2 wait: waits for signal "go", at most 1h0m0s`,
		`0 wait: times out: signal "go"`,
		"3 other: invokes test-g",
		"0 other: the invoked function returns",
		`4 wait: waits for event "go", at most 1h0m0s`,
		`0 wait: times out: event "go"`,
		`5 : returned "timeout"`,
	}, rows)
}
