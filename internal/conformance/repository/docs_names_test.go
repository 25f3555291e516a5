package repository

import (
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// The tables that translate names to those of inngestkit use names that exist.
func TestDocsTranslateToNamesThatExist(t *testing.T) {
	t.Parallel()
	const module = "github.com/inngestkit/inngestkit/"
	packages := map[string]string{
		"flow": module + "core/flow", "step": module + "core/step", "inngesttest": module + "inngesttest",
		"inngestotel": module + "contrib/otel", "inngesthealth": module + "contrib/health",
	}
	checker := newSnippetChecker(t)
	core, err := checker.importer.Import(module + "core")
	require.NoError(t, err)
	exists := func(qualifier, name string) bool {
		if path := packages[qualifier]; path != "" {
			pkg, err := checker.importer.Import(path)
			require.NoError(t, err)
			return pkg.Scope().Lookup(name) != nil
		}
		of := core.Scope().Lookup(qualifier)
		if of == nil {
			return true // a name of the other side
		}
		member, _, _ := types.LookupFieldOrMethod(types.NewPointer(of.Type()), false, core, name)
		return member != nil
	}
	qualified := regexp.MustCompile("[`( ](\\w+)\\.([A-Z]\\w*)")
	code := regexp.MustCompile("`[^`]+`")
	for _, name := range []string{"docs/migration.md", "docs/from-nestjs-inngest.md"} {
		page, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		count := 0
		for _, row := range tableRows(string(page)) {
			for _, text := range code.FindAllString(row[1], -1) {
				for _, match := range qualified.FindAllStringSubmatch(text, -1) {
					count++
					require.True(t, exists(match[1], match[2]), "%s: %s", name, match[0])
				}
			}
		}
		require.Greater(t, count, 40, name)
	}
}
