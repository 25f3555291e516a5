package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// The rotation on a real self-hosted server: a run completes at each stage.
func TestProgram(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, demonstrate(t.Context(), &out))
	t.Log(out.String())
	for _, line := range []string{
		`before +old +- +old +the run is Completed`,
		`1\. deploy the app +new +old +old +the run is Completed`,
		`2\. change the server's key +new +old +new +the run is Completed`,
		`3\. deploy the app +new +- +new +the run is Completed`,
		`a stranger calls the function +the app responds with 401`,
	} {
		require.Regexp(t, `(?m)^`+line, out.String())
	}
	require.NotRegexp(t, `[0-9a-f]{64}`, out.String(), "no key is printed")
}

// Ctrl-C stops everything.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, demonstrate(ctx, &bytes.Buffer{}), context.Canceled)
}
