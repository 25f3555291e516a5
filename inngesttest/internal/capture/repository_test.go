package capture

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// repository is the root of the repository.
const repository = "../../.."

// No function in the repository has a finding: examples, tests, scenarios of the conformance
// tests, and the code in the documentation.
func TestRepository(t *testing.T) {
	t.Parallel()
	require.FileExists(t, filepath.Join(repository, "go.work"))
	handlers := 0
	var found []string
	check := func(dir string) {
		findings, _, err := CheckSource(dir)
		require.NoError(t, err)
		found = append(found, texts(findings)...)
		handlers += handlersWithSteps(t, dir)
	}
	require.NoError(t, filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(path, ".git") || strings.HasSuffix(path, "capture/testdata")):
			return filepath.SkipDir
		case entry.IsDir():
			check(path)
		case strings.HasSuffix(path, ".md"):
			check(codeBlocks(t, path))
		}
		return nil
	}))
	found = slices.DeleteFunc(found, func(text string) bool {
		file, _, _ := strings.Cut(text, ":")
		return wrongOnPurpose[file]
	})
	require.Empty(t, found)
	require.Greater(t, handlers, 150, "handlers with steps")
}

// wrongOnPurpose are the test files of the kit with functions that the check must find, or
// with steps outside of functions, where callbacks may change what they like.
var wrongOnPurpose = map[string]bool{"determinism_test.go": true, "stepcontext_test.go": true}

var goBlock = regexp.MustCompile("(?ms)^```go[^\n]*\n(.*?)^```$")

// codeBlocks returns a directory with the Go code of a page, each block in a file and, if it
// consists of statements, in a function.
func codeBlocks(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	files := map[string]string{}
	for i, block := range goBlock.FindAllStringSubmatch(string(text), -1) {
		code := strings.ReplaceAll(block[1], "…", "")
		if !strings.Contains("\n"+code, "\nimport ") && !strings.HasPrefix(code, "package ") {
			files[fmt.Sprint("declarations", i, ".go")] = code
			files[fmt.Sprint("statements", i, ".go")] = "func _() {\n" + code + "\n}\n"
		} else {
			files[fmt.Sprint("file", i, ".go")] = "package p\n\n" + regexp.MustCompile(`(?m)^package .*`).ReplaceAllString(code, "")
		}
	}
	return snippet(t, files)
}

// handlersWithSteps returns how many handlers in a directory have steps.
func handlersWithSteps(t *testing.T, dir string) int {
	t.Helper()
	packages, err := loadAll(dir)
	require.NoError(t, err)
	n := 0
	for _, p := range packages {
		p.eachFunction(func(fn function) {
			if fn.looksLikeHandler() && hasSteps(p.infoOf(fn.decl), fn.body()) {
				n++
			}
		})
	}
	return n
}
