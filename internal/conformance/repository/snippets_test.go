package repository

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/snippets"
)

// snippetsDir contains what the Go code of the pages omits: imports.go has the
// imports, and one file per page declares the names that its code uses without
// explanation. common.go declares names for all pages, and shop.go for shopPages; what a
// page declares itself takes their place.
const snippetsDir = "testdata/snippets"

// shopPages have examples of the same shop.
var shopPages = []string{
	"docs/errors.md", "docs/flow-control.md", "docs/functions-and-triggers.md", "docs/life-cycle.md",
	"docs/connect.md", "docs/middleware.md", "docs/sending.md", "docs/steps.md",
}

// TestSnippetsCompile type-checks the Go code of each page against the workspace.
//
// A complete program is a package of its own, and compiles as it is. All other blocks of a
// page are one package. Such a block is a list of declarations or of statements. It may
// import another major version of a package than imports.go does.
// An ellipsis (…) on its own line stands for code, and in {…} for fields.
// Variables and imports may be unused there. A block whose fence is "go unchecked" is
// skipped; TestDocsBlocksAreChecked requires the reason.
func TestSnippetsCompile(t *testing.T) {
	t.Parallel()
	checker := newSnippetChecker(t)
	count := 0
	var mistakes []error
	eachFile(t, ".md", func(path, text string) {
		page, err := filepath.Rel(root, path)
		require.NoError(t, err)
		if filepath.ToSlash(page) == "docs/testing.md" { // guide.TestPage compares it with code that runs
			return
		}
		count += len(snippets.Blocks(page, text))
		mistakes = append(mistakes, checker.check(filepath.ToSlash(page), text))
	})
	require.NoError(t, errors.Join(mistakes...))
	require.NotZero(t, count)
}

func TestSnippetsThatDoNotCompile(t *testing.T) {
	t.Parallel()
	checker := newSnippetChecker(t)
	for code, want := range map[string]string{
		"app.Sennd(ctx)\n":                         "page.md:4: app.Sennd undefined",
		"func f( {\n":                              "page.md:4: expected",
		"_, err := inngestkit.New(\"shop\")\n":     "cannot use \"shop\"",
		"import \"example.com/gone\"\n\nvar x int": "example.com/gone",
		"import \"github.com/labstack/echo/v5\"\n\nvar x = echo.New().Debug": "echo.New().Debug undefined",
		"func f() int {\n\t…\n}\n\nvar g = f(1)":                             "too many arguments",
	} {
		page := "A page.\n\n```go\n" + code + "\n```\n"
		require.ErrorContains(t, checker.check("page.md", page), want, code)
	}
	unused := "package main\n\nimport \"os\"\n\nfunc main() {}\n"
	require.ErrorContains(t, checker.check("page.md", "```go\n"+unused+"```\n"), `page.md:4: "os" imported and not used`)
	require.NoError(t, checker.check("page.md", "```go\nfunc f() int {\n\t…\n}\n```\n\n```go\nunused := f()\n```\n"))
}

type snippetChecker struct {
	fset     *token.FileSet
	importer types.Importer
	imports  snippets.Imports // the packages that blocks need not import
}

func newSnippetChecker(t *testing.T) *snippetChecker {
	t.Helper()
	c := &snippetChecker{fset: token.NewFileSet()}
	paths := []string{}
	files, err := filepath.Glob(snippetsDir + "/*.go")
	require.NoError(t, err)
	for _, name := range files {
		imports, err := snippets.ReadImports(name)
		require.NoError(t, err)
		paths = slices.AppendSeq(paths, maps.Keys(imports))
		if filepath.Base(name) == "imports.go" {
			c.imports = imports
		}
	}
	exports := exportFiles(t, paths)
	c.importer = importer.ForCompiler(c.fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, errors.New("not imported by " + snippetsDir + "/imports.go: " + path)
		}
		return os.Open(exports[path])
	})
	return c
}

// exportFiles builds packages and returns the files with the types of each, and of everything
// that they import.
func exportFiles(t *testing.T, packages []string) map[string]string {
	t.Helper()
	args := append([]string{"list", "-export", "-deps", "-json=ImportPath,Export"}, packages...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s", &stderr)
	files := map[string]string{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string `json:"ImportPath"`
			Export     string `json:"Export"`
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return files
		}
		files[p.ImportPath] = p.Export
	}
}

// check type-checks the blocks of one page: each program alone, and the others together with
// the page's file in snippetsDir.
func (c *snippetChecker) check(page, text string) error {
	var files []*ast.File
	var mistakes []error
	for _, block := range snippets.Blocks(page, text) {
		file, err := block.Parse(c.fset, c.imports)
		switch {
		case err != nil:
			return err
		case block.IsProgram():
			mistakes = append(mistakes, c.checkFiles([]*ast.File{file}, false))
		default:
			files = append(files, file)
		}
	}
	if len(files) == 0 {
		return errors.Join(mistakes...)
	}
	files, err := c.complete(files, page)
	if err != nil {
		return err
	}
	return errors.Join(append(mistakes, c.checkFiles(files, true))...)
}

// checkFiles type-checks the files of a package, in which variables and imports may be unused.
func (c *snippetChecker) checkFiles(files []*ast.File, unused bool) error {
	var mistakes []error
	config := types.Config{Importer: c.importer, Error: func(err error) {
		if failed := (types.Error{}); !unused || !errors.As(err, &failed) || !failed.Soft {
			mistakes = append(mistakes, err)
		}
	}}
	_, _ = config.Check("snippets", c.fset, files, nil) // Error has all its errors
	return errors.Join(mistakes...)
}

// complete adds to the files of a page the declarations that it omits.
func (c *snippetChecker) complete(files []*ast.File, page string) ([]*ast.File, error) {
	names := []string{snippets.Completion(snippetsDir, page), filepath.Join(snippetsDir, "common.go")}
	if slices.Contains(shopPages, page) {
		names = append(names, filepath.Join(snippetsDir, "shop.go"))
	}
	for _, name := range names {
		file, err := parser.ParseFile(c.fset, name, nil, parser.SkipObjectResolution)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		snippets.Remove(file, snippets.Declared(files))
		files = append(files, file)
	}
	return files, nil
}
