package conformance

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const modules = "github.com/inngestkit/inngestkit/"

// Each module links only what its users are promised.
func TestDependencies(t *testing.T) {
	t.Parallel()
	const gin, echo, fiber, fasthttp = "github.com/gin-gonic/gin", "github.com/labstack/echo", "github.com/gofiber/fiber", "github.com/valyala/fasthttp"
	const otel = "go.opentelemetry.io/otel"
	frameworks := []string{gin, echo, fiber, fasthttp}
	others := []string{"go.opentelemetry.io", "github.com/stretchr/testify", "go.uber.org/goleak", modules + "inngesttest"}
	notOnlyForTests := append([]string{"testing"}, others...)
	core, suites := corePackages(t)
	cases := map[string]struct{ packages, refused []string }{
		"core":             {core, slices.Concat(notOnlyForTests, frameworks)},
		"adapters/nethttp": {[]string{modules + "adapters/nethttp"}, slices.Concat(notOnlyForTests, frameworks)},
		"adapters/gin":     {[]string{modules + "adapters/gin"}, slices.Concat(notOnlyForTests, []string{echo, fiber, fasthttp})},
		"adapters/echo":    {[]string{modules + "adapters/echo"}, slices.Concat(notOnlyForTests, []string{gin, echo + "/v5", fiber, fasthttp})},
		"adapters/echov5":  {[]string{modules + "adapters/echov5"}, slices.Concat(notOnlyForTests, []string{gin, echo + "/v4", fiber, fasthttp})},
		// Fiber itself links "testing", for the assertions of its package utils.
		"adapters/fiber":   {[]string{modules + "adapters/fiber"}, slices.Concat(others, []string{gin, echo, fiber + "/v3"})},
		"adapters/fiberv3": {[]string{modules + "adapters/fiberv3"}, slices.Concat(notOnlyForTests, []string{gin, echo, fiber + "/v2"})},
		"adapters/internal/onfasthttp": {
			[]string{modules + "adapters/internal/onfasthttp"}, slices.Concat(notOnlyForTests, []string{gin, echo, fiber}),
		},
		// The API of OpenTelemetry, but not its SDK or an exporter.
		"contrib/otel": {[]string{modules + "contrib/otel"}, slices.Concat(frameworks, []string{
			"testing", "github.com/stretchr/testify", "go.uber.org/goleak", modules + "inngesttest",
			otel + "/sdk", otel + "/exporters", "go.opentelemetry.io/contrib",
		})},
		"contrib/cel": {[]string{modules + "contrib/cel"}, slices.Concat(notOnlyForTests, frameworks)},
		// Only the core and the standard library; see depguard.
		"contrib/health": {[]string{modules + "contrib/health"}, slices.Concat(notOnlyForTests, frameworks)},
		"inngesttest":    {[]string{modules + "inngesttest"}, append(frameworks, "github.com/stretchr/testify")},
	}
	for _, suite := range suites { // they are for tests
		cases[suite] = struct{ packages, refused []string }{[]string{suite}, slices.Concat(others, frameworks)}
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deps := list(t, append([]string{"-deps"}, tc.packages...)...)
			require.Subset(t, deps, tc.packages)
			for _, dep := range deps {
				for _, refused := range tc.refused {
					require.False(t, dep == refused || strings.HasPrefix(dep, refused+"/"), "%s links %s", name, dep)
				}
			}
		})
	}
}

// corePackages lists the packages of the core: those for programs, and the suites that
// authors of adapters call in their tests.
func corePackages(t *testing.T) (programs, suites []string) {
	t.Helper()
	const suite = modules + "core/adaptertest"
	for _, found := range list(t, modules+"core/...") {
		if found == suite || strings.HasPrefix(found, suite+"/") {
			suites = append(suites, found)
		} else {
			programs = append(programs, found)
		}
	}
	require.Contains(t, programs, modules+"core")
	return programs, suites
}

// list returns the lines that go list prints.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).Output()
	require.NoError(t, err)
	return strings.Fields(string(out))
}

// Every adapter runs the suite, in its own module.
func TestEveryAdapterRunsTheSuite(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	eachFile(t, "_test.go", func(path, text string) {
		if strings.Contains(text, "adaptertest.Run(") {
			asked[filepath.Dir(path)] = true
		}
	})
	for _, pattern := range []string{"adapters/*", "adapters/internal/*"} {
		adapters, err := filepath.Glob(filepath.Join(repository, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, adapters)
		for _, dir := range adapters {
			require.True(t, asked[dir] || filepath.Base(dir) == "internal", dir)
		}
	}
}
