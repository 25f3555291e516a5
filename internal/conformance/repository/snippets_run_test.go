package repository

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/pages"
	"github.com/inngestkit/inngestkit/internal/conformance/snippets"
)

// TestSnippetsRun runs the Go code of shopPages: statements, functions and handlers. Those
// with steps run on a virtual engine, other statements with an app whose requests a recorder
// answers. Errors that a page does not look at must be nil.
//
// Each page is a package with testdata/snippets/harness.go. One test, in package snippets_test,
// runs them all. These files exist in an overlay only.
func TestSnippetsRun(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	for _, page := range shopPages {
		text, err := os.ReadFile(filepath.Join(root, page))
		require.NoError(t, err)
		texts[page] = string(text)
	}
	out, err := runPages(t, texts)
	require.NoError(t, err, "%s", out)
}

func TestSnippetsThatFail(t *testing.T) {
	t.Parallel()
	out, err := runPages(t, map[string]string{"docs/steps.md": strings.ReplaceAll(`
~~~go
inngestkit.OnEvent("often", orderPlaced, handleOrder, flow.Retries(50))
~~~

~~~go
ids, err := app.Send(ctx)
err = errors.New("unseen")
~~~

~~~go
step.Sleep(ctx, "too-long", 400*24*time.Hour)
~~~

~~~go
func fails(ctx context.Context, in inngestkit.Input[Order]) (string, error) {
	return "", inngestkit.NoRetry(errBusy)
}
~~~

~~~go
step.Sleep(ctx, "short-enough", time.Hour)
~~~
`, "~~~", "```")})
	require.Error(t, err)
	for _, line := range []string{"line3", "line7", "line12", "fails"} {
		require.Contains(t, out, "--- FAIL: TestPages/docs/steps.md/"+line)
	}
	require.Equal(t, 4, strings.Count(out, "--- FAIL: TestPages/docs/steps.md/"), out)
}

// runPages runs the code of pages, and returns what go test prints.
func runPages(t *testing.T, texts map[string]string) (string, error) {
	t.Helper()
	checker, files := newSnippetChecker(t), map[string][]byte{}
	var imports, runs strings.Builder
	for n, page := range slices.Sorted(maps.Keys(texts)) {
		dir := fmt.Sprintf("snippets/run/page%d", n)
		for name, code := range programOf(t, checker, page, texts[page]) {
			files[dir+"/"+name] = code
		}
		fmt.Fprintf(&imports, "\tpage%d %q\n", n, modules+"internal/conformance/"+dir)
		fmt.Fprintf(&runs, "\tt.Run(%q, page%d.RunExamples)\n", page, n)
	}
	files["snippets/run_test.go"] = fmt.Appendf(nil, "package snippets_test\n\nimport (\n\t\"testing\"\n\n%s)\n\n"+
		"func TestPages(t *testing.T) {\n%s}\n", &imports, &runs)
	cmd := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-count=1", "-overlay="+overlay(t, files), "../snippets")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// overlay writes files, whose names are relative to internal/conformance, into another directory, and
// returns the file that the go command reads to find them there.
func overlay(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir, replace := t.TempDir(), map[string]string{}
	for name, code := range files {
		written := filepath.Join(dir, strings.ReplaceAll(name, "/", "-"))
		require.NoError(t, os.WriteFile(written, code, 0o600))
		name, err := filepath.Abs(filepath.Join("..", name))
		require.NoError(t, err)
		replace[name] = written
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	file := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(file, list, 0o600))
	return file
}

// programOf returns the files of the package that runs a page.
func programOf(t *testing.T, c *snippetChecker, page, text string) map[string][]byte {
	t.Helper()
	skipped := map[int]string{}
	for _, block := range pages.Parse(page, []byte(text)).Blocks {
		skipped[block.Line] = block.Reason
	}
	var files []*ast.File
	var table strings.Builder
	table.WriteString("package snippets\n\nimport \"testing\"\n\nvar examples = map[string]func(*testing.T){\n")
	for _, block := range snippets.Blocks(page, text) {
		file, err := block.Parse(c.fset, c.imports)
		require.NoError(t, err)
		if skipped[block.Line] != "" {
			continue
		}
		for _, example := range snippets.Examples(file, fmt.Sprintf("line%d", block.Line)) {
			fmt.Fprintf(&table, "\t%q: func(t *testing.T) { %s },\n", example.Name, example.Call)
		}
		files = append(files, file)
	}
	table.WriteString("}\n")
	harness, err := parser.ParseFile(c.fset, filepath.Join(snippetsDir, "harness.go"), nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	files, err = c.complete(append(files, harness), page)
	require.NoError(t, err)
	program := map[string][]byte{"examples.go": []byte(table.String())}
	for i, file := range files {
		snippets.RemoveUnusedImports(file)
		snippets.UseVariables(file)
		var code bytes.Buffer
		require.NoError(t, format.Node(&code, c.fset, file))
		program[fmt.Sprintf("part%d.go", i)] = code.Bytes()
	}
	return program
}
