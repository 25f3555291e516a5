package main

import (
	"bytes"
	"context"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// The program on the real server.
func TestProgram(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	t.Log(out.String())
	for _, line := range []string{
		`"inngest: synced" .* functions=4`,
		`"audit: run completed" function=fulfil-order`, `"audit: run completed" function=charge-card`,
		`"audit: run completed" function=notify-customer`, `"audit: run completed" function=format-receipt`,
		`"audit: step runs" function=fulfil-order step=announce`, `"audit: step runs" function=charge-card step=call-bank`,
	} {
		require.Regexp(t, line, out.String())
	}
	require.NotContains(t, out.String(), "does not use the results")
	traces := map[string]string{}
	for _, span := range regexp.MustCompile(`name="([^"]+)" trace=(\w+)`).FindAllStringSubmatch(out.String(), -1) {
		traces[span[1]] = span[2]
	}
	require.Equal(t, traces["process fulfil-order"], traces["process notify-customer"])
}

// Ctrl-C stops everything.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, run(ctx, &bytes.Buffer{}), context.Canceled)
}
