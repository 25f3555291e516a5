package testsite

import (
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// Requirements returns the versions that the go.mod in a directory requires, by module.
func Requirements(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), "go", "mod", "edit", "-json")
	cmd.Dir = dir
	out, err := cmd.Output()
	require.NoError(tb, err)
	var parsed struct {
		Require []struct {
			Path    string `json:"Path"`
			Version string `json:"Version"`
		} `json:"Require"`
	}
	require.NoError(tb, json.Unmarshal(out, &parsed))
	versions := make(map[string]string, len(parsed.Require))
	for _, required := range parsed.Require {
		versions[required.Path] = required.Version
	}
	return versions
}
