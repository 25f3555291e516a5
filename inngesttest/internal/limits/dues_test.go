package limits

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Values come in the order of their times, and of those due together in the order in which
// they were added, however they were moved and removed before.
func TestDues(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var d dues[int]
	var want []*due[int]
	for i := range 2_000 {
		added := d.add(i, after(float64(random.IntN(50))))
		want = append(want, added)
		switch other := random.IntN(len(want)); random.IntN(4) {
		case 0:
			d.move(want[other], after(float64(random.IntN(50))))
		case 1:
			d.remove(want[other])
			want = slices.Delete(want, other, other+1)
		}
	}
	slices.SortFunc(want, func(a, b *due[int]) int {
		if order := a.at.Compare(b.at); order != 0 {
			return order
		}
		return a.value - b.value
	})
	for _, next := range want {
		at, ok := d.next()
		require.True(t, ok)
		require.Equal(t, next.at, at)
		_, ok = d.pop(at.Add(-time.Nanosecond))
		require.False(t, ok)
		value, ok := d.pop(at)
		require.True(t, ok)
		require.Equal(t, next.value, value)
	}
	_, ok := d.next()
	require.False(t, ok)
}
