package guide

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// The Go code of docs/testing.md is that of this package.
func TestPage(t *testing.T) {
	t.Parallel()
	functions, err := os.ReadFile("shop.go")
	require.NoError(t, err)
	tests, err := os.ReadFile("guide_test.go")
	require.NoError(t, err)
	code := string(functions) + string(tests)
	page, err := os.ReadFile("../../../docs/testing.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		require.Contains(t, code, block[1])
	}
}
