package repository

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	corePath = modules + "core"
	sdkPath  = "github.com/inngest/inngestgo"
)

// coreLayers lists the packages of the core from the bottom up. A package imports only
// packages of lower layers.
var coreLayers = [][]string{
	{"ctxerr", "datacheck", "envelope", "eventpath", "hosts", "jsontype", "manifest", "safe", "signing"},
	{"codec", "drain", "fnconfig", "httpclient", "reqbody", "sdkconnect"},
	{"call", "inngestapi", "selfcheck"},
}

// sdkUsers are the internal packages that import the SDK, each with its reason.
var sdkUsers = map[string]string{
	"call":       "steps run in the SDK, and unwind as it does",
	"fnconfig":   "options of functions are collected in the SDK's form",
	"manifest":   "what a sync announces is in the SDK's form",
	"safe":       "an error keeps what it says about retries",
	"sdkconnect": "connections are the SDK's",
}

// The core's packages depend on each other in one direction.
func TestCoreLayers(t *testing.T) {
	t.Parallel()
	layer := map[string]int{corePath + "/testhooks": -1}
	for n, packages := range coreLayers {
		for _, name := range packages {
			layer[corePath+"/internal/"+name] = n
		}
	}
	for path, imports := range coreImports(t) {
		name, internal := strings.CutPrefix(path, corePath+"/internal/")
		if internal {
			require.Contains(t, layer, path, "give the new package a layer here")
		}
		for _, imported := range imports {
			switch {
			case imported == corePath || imported == corePath+"/step" || imported == corePath+"/flow":
				require.False(t, internal || path == corePath+"/adapter", "%s imports %s, which is above it", path, imported)
			case internal && strings.HasPrefix(imported, corePath):
				require.Contains(t, layer, imported, "%s imports %s, which is above it", path, imported)
				require.Less(t, layer[imported], layer[path], "%s imports %s, which is not below it", path, imported)
			case imported == sdkPath || strings.HasPrefix(imported, sdkPath+"/"):
				require.False(t, internal && sdkUsers[name] == "", "%s imports the SDK: say why in sdkUsers", path)
				require.NotEqual(t, corePath+"/adapter", path, "authors of adapters do not need the SDK")
			}
		}
	}
}

// coreImports returns the imports of each package of the core, without those of its tests.
func coreImports(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, field := range list(t, "-f", `{{.ImportPath}}={{join .Imports ","}}`, corePath+"/...") {
		path, imports, _ := strings.Cut(field, "=")
		all[path] = strings.Split(imports, ",")
	}
	require.Contains(t, all, corePath+"/internal/call")
	return all
}
