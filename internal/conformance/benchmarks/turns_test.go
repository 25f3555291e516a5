package benchmarks

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// inTurn makes calls in turn, so that other load on the machine affects all of them, and reports
// the median time of each and its ratio to that of the first. The order changes each time,
// because a call pays for the garbage of those before it.
func inTurn(b *testing.B, names []string, calls []func()) {
	b.Helper()
	took := make([][]time.Duration, len(calls))
	for b.Loop() {
		for _, i := range rand.Perm(len(calls)) {
			start := time.Now()
			calls[i]()
			took[i] = append(took[i], time.Since(start))
		}
	}
	b.ReportMetric(0, "ns/op")
	base := median(took[0])
	for i, name := range names {
		m := median(took[i])
		b.ReportMetric(float64(m)/1e3, "µs/"+name)
		if i > 0 {
			b.ReportMetric(float64(m)/float64(base), name+":"+names[0])
		}
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// ok ends the benchmark if err is not nil. Unlike require, it does not count in what is
// measured.
func ok(b *testing.B, err error) {
	if err != nil {
		b.Helper()
		b.Fatal(err)
	}
}
