package benchmarks

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// BenchmarkAdopted compares the SDK, a client of it that was adopted with FromClient, a function
// of ours that has steps of the SDK, and one with our own.
func BenchmarkAdopted(b *testing.B) {
	for _, tc := range []struct {
		name  string
		data  benchData
		steps int
	}{
		{"event=1KiB", itemsOf(1 << 10), 0},
		{"event=64KiB", itemsOf(64 << 10), 0},
		{"steps=100", itemsOf(1 << 10), 100},
	} {
		b.Run(tc.name, func(b *testing.B) {
			client, err := newClient(1, sdkStepsThenDone(tc.steps))
			require.NoError(b, err)
			app, err := inngestkit.FromClient(client, func(c *inngestkit.Config) {
				c.SigningKey, c.Logger, c.Dev = benchKey, benchLogger(), false
			})
			require.NoError(b, err)
			call := caller(b, callBody(b, tc.data, tc.steps))
			var calls []func()
			for _, handler := range []http.Handler{
				bareSDK(b, 1, sdkStepsThenDone(tc.steps)), mounted(app),
				onGin(b, 1, sdkStepsThenDone(tc.steps)), onGin(b, 1, stepsThenDone(tc.steps)),
			} {
				calls = append(calls, func() { call(handler) })
			}
			inTurn(b, []string{"sdk", "adopted", "sdksteps", "ours"}, calls)
		})
	}
}
