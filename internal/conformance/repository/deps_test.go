package repository

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const modules = "github.com/inngestkit/inngestkit/"

// shared is the module that the adapters for both versions of Fiber share. It is tested as
// an adapter for fasthttp.
const shared = "adapters/internal/onfasthttp"

// frameworkOf lists the packages of its framework that each adapter links. A new adapter
// needs a row.
var frameworkOf = map[string][]string{
	"adapters/nethttp": {},
	"adapters/gin":     {"github.com/gin-gonic/gin"},
	"adapters/echo":    {"github.com/labstack/echo/v4"},
	"adapters/echov5":  {"github.com/labstack/echo/v5"},
	"adapters/fiber":   {"github.com/gofiber/fiber/v2"},
	"adapters/fiberv3": {"github.com/gofiber/fiber/v3"},
	"adapters/lambda":  {"github.com/aws/aws-lambda-go/lambda", "github.com/aws/aws-lambda-go/events"},

	shared: {"github.com/valyala/fasthttp"},
}

// An adapter links the core, its framework, what these two link, and the standard library
// without package testing: no other framework, and no other major version of its own.
func TestAdapterDependencies(t *testing.T) {
	t.Parallel()
	core, _ := corePackages(t)
	standard := slices.DeleteFunc(list(t, "std"), func(name string) bool { return name == "testing" })
	for _, name := range adapterModules(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			framework, known := frameworkOf[name]
			require.True(t, known, "add the framework of %s to frameworkOf", name)
			adapter := modules + name
			allowed := slices.Concat(standard, list(t, slices.Concat([]string{"-deps"}, core, framework)...), []string{adapter, modules + shared})
			slices.Sort(allowed)
			deps := list(t, "-deps", adapter)
			require.Subset(t, deps, framework, "frameworkOf is wrong")
			surplus := slices.DeleteFunc(deps, func(dep string) bool {
				_, found := slices.BinarySearch(allowed, dep)
				return found
			})
			require.Empty(t, surplus, "%s links packages that neither the core nor its framework links", name)
		})
	}
}

// adapterModules lists the directories of the adapters, and of what they share.
func adapterModules(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(root, "adapters", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	names := []string{shared}
	for _, dir := range dirs {
		if name := filepath.Base(dir); name != "internal" {
			names = append(names, "adapters/"+name)
		}
	}
	return names
}

// The core, the modules in contrib and the test kit link only what their users are promised.
func TestDependencies(t *testing.T) {
	t.Parallel()
	const otel = "go.opentelemetry.io/otel"
	frameworks := []string{
		"github.com/gin-gonic", "github.com/labstack", "github.com/gofiber", "github.com/valyala", "github.com/aws",
		modules + "adapters",
	}
	others := []string{"go.opentelemetry.io", "github.com/stretchr/testify", "go.uber.org/goleak", modules + "inngesttest"}
	notOnlyForTests := append([]string{"testing"}, others...)
	core, suites := corePackages(t)
	cases := map[string]struct{ packages, refused []string }{
		"core": {core, slices.Concat(notOnlyForTests, frameworks)},
		// The API of OpenTelemetry, but not its SDK or an exporter.
		"contrib/otel": {[]string{modules + "contrib/otel"}, slices.Concat(frameworks, []string{
			"testing", "github.com/stretchr/testify", "go.uber.org/goleak", modules + "inngesttest",
			otel + "/sdk", otel + "/exporters", "go.opentelemetry.io/contrib",
		})},
		"contrib/cel": {[]string{modules + "contrib/cel"}, slices.Concat(notOnlyForTests, frameworks)},
		// Only the core and the standard library; see depguard.
		"contrib/health": {[]string{modules + "contrib/health"}, slices.Concat(notOnlyForTests, frameworks)},
		"inngesttest":    {[]string{modules + "inngesttest", modules + "inngesttest/devserver"}, append(frameworks, "github.com/stretchr/testify")},
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
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// Every adapter runs the suite, in its own module.
func TestEveryAdapterRunsTheSuite(t *testing.T) {
	t.Parallel()
	runs := map[string]bool{}
	eachFile(t, "_test.go", func(path, text string) {
		if strings.Contains(text, "adaptertest.Run(") {
			runs[filepath.Dir(path)] = true
		}
	})
	for _, name := range adapterModules(t) {
		require.True(t, runs[filepath.Join(root, name)], name)
	}
}
