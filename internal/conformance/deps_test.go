package conformance

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a module links is a promise to its users.
func TestDependencies(t *testing.T) {
	t.Parallel()
	frameworks := []string{
		"github.com/gin-gonic/gin", "github.com/labstack/echo", "github.com/gofiber/fiber", "github.com/valyala/fasthttp",
	}
	others := []string{"go.opentelemetry.io/", "github.com/stretchr/testify", "go.uber.org/goleak", "testing"}
	for _, tc := range []struct {
		packages string
		refused  []string
	}{
		{"github.com/inngestkit/inngestkit/core/...", append(others, frameworks...)},
		{"github.com/inngestkit/inngestkit/adapters/nethttp", append(others, frameworks...)},
		{"github.com/inngestkit/inngestkit/adapters/gin", append(others, frameworks[1:]...)},
		{"github.com/inngestkit/inngestkit/inngesttest", append([]string{"github.com/stretchr/testify"}, frameworks...)},
	} {
		t.Run(tc.packages, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", tc.packages).Output()
			require.NoError(t, err)
			deps := strings.Fields(string(out))
			require.Contains(t, deps, strings.TrimSuffix(tc.packages, "/..."))
			for _, dep := range deps {
				for _, refused := range tc.refused {
					require.False(t, dep == refused || strings.HasPrefix(dep, strings.TrimSuffix(refused, "/")+"/"), "%s links %s", tc.packages, dep)
				}
			}
		})
	}
}
