package limits

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPriority(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value any
		want  time.Duration
	}{
		{600, 600 * time.Second},
		{int64(-600), -600 * time.Second},
		{int64(43_200), 12 * time.Hour},
		{int64(43_201), 12 * time.Hour},
		{int64(-1 << 62), -12 * time.Hour},
		{600.0, 0}, // a number of an event
		{uint64(600), 0},
		{"600", 0},
		{true, 0},
		{nil, 0},
	} {
		require.Equal(t, test.want, Priority(test.value), "%T %v", test.value, test.value)
	}
}

func TestScore(t *testing.T) {
	t.Parallel()
	run, now := after(-3600), start
	for _, test := range []struct {
		due, priority, want float64
	}{
		{0, 0, -3600},     // by the age of the run
		{2, 0, -3600},     // nearly due
		{2.001, 0, 2.001}, // a sleep or a retry
		{0, 600, -4200},
		{0, -600, -3000},
		{60, 600, 60}, // a priority does not wake a sleep
	} {
		priority := time.Duration(test.priority) * time.Second
		require.Equal(t, after(test.want).UnixMilli(), Score(after(test.due), run, now, priority), "%+v", test)
	}
}
