package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// snippetsDir contains what the Go code of the pages omits: imports.go has the
// imports, and one file per page declares the names that its code uses without
// explanation.
const snippetsDir = "testdata/snippets"

// TestSnippetsCompile type-checks the Go code of each page against the workspace.
//
// All blocks of a page are one package. A block is a list of declarations or of
// statements. It may import another major version of a package than imports.go does.
// An ellipsis (…) on its own line stands for code, and in {…} for fields.
// Variables and imports may be unused. A block whose fence is "go unchecked" is
// skipped.
func TestSnippetsCompile(t *testing.T) {
	t.Parallel()
	checker := newSnippetChecker(t)
	count := 0
	var mistakes []error
	eachFile(t, ".md", func(path, text string) {
		page, err := filepath.Rel(repository, path)
		require.NoError(t, err)
		if filepath.ToSlash(page) == "docs/testing.md" { // guide.TestPage compares it with code that runs
			return
		}
		count += len(goBlock.FindAllString(text, -1))
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
	require.NoError(t, checker.check("page.md", "```go\nfunc f() int {\n\t…\n}\n```\n\n```go\nunused := f()\n```\n"))
}

var (
	goBlock      = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	leftOut      = regexp.MustCompile(`(?m)^\s*…(\s*//.*)?$`)
	majorVersion = regexp.MustCompile(`/v\d+\b`)
	leadImports  = regexp.MustCompile(`^(?s:import \(.*?\n\)\n|import [^\n(]*\n|\n)*`)
)

type snippetChecker struct {
	fset     *token.FileSet
	importer types.Importer
	imports  map[string]string // the paths of the packages that blocks need not import, and their names
}

func newSnippetChecker(t *testing.T) *snippetChecker {
	t.Helper()
	c := &snippetChecker{fset: token.NewFileSet(), imports: map[string]string{}}
	paths := []string{}
	files, err := filepath.Glob(snippetsDir + "/*.go")
	require.NoError(t, err)
	for _, name := range files {
		file, err := parser.ParseFile(c.fset, name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			paths = append(paths, path)
			if filepath.Base(name) == "imports.go" {
				c.imports[path] = ""
				if spec.Name != nil {
					c.imports[path] = spec.Name.Name
				}
			}
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

// check type-checks the blocks of one page together with its file in snippetsDir.
func (c *snippetChecker) check(page, text string) error {
	var files []*ast.File
	blocks := goBlock.FindAllStringSubmatchIndex(text, -1)
	for _, at := range blocks {
		line := strings.Count(text[:at[2]], "\n") + 1
		file, err := c.parse(page, line, text[at[2]:at[3]])
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	if len(blocks) == 0 {
		return nil
	}
	for _, name := range []string{"common.go", strings.ReplaceAll(strings.TrimSuffix(page, ".md"), "/", "_") + ".go"} {
		file, err := parser.ParseFile(c.fset, filepath.Join(snippetsDir, name), nil, 0)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	var mistakes []error
	config := types.Config{Importer: c.importer, Error: func(err error) {
		if failed := (types.Error{}); !errors.As(err, &failed) || !failed.Soft {
			mistakes = append(mistakes, err)
		}
	}}
	_, _ = config.Check("snippets", c.fset, files, nil) // Error has all its errors
	return errors.Join(mistakes...)
}

// parse parses a block, which begins on the given line of its page, as declarations,
// and otherwise as statements.
func (c *snippetChecker) parse(page string, line int, block string) (*ast.File, error) {
	imports := leadImports.FindString(block)
	rest := strings.ReplaceAll(leftOut.ReplaceAllString(block[len(imports):], `panic("")`), "{…}", "{}")
	var head strings.Builder
	head.WriteString("package snippets\n")
	for path, name := range c.imports {
		if !strings.Contains(majorVersion.ReplaceAllString(imports, ""), strconv.Quote(majorVersion.ReplaceAllString(path, ""))) {
			fmt.Fprintf(&head, "import %s %q\n", name, path)
		}
	}
	fmt.Fprintf(&head, "//line %s:%d\n%s", page, line, imports)
	declarations := head.String() + rest
	file, err := parser.ParseFile(c.fset, "", declarations, parser.SkipObjectResolution)
	if err == nil {
		return file, nil
	}
	statements := fmt.Sprintf("%sfunc _() {\n//line %s:%d\n%s\n}\n", head.String(), page, line+strings.Count(imports, "\n"), rest)
	if file, failed := parser.ParseFile(c.fset, "", statements, parser.SkipObjectResolution); failed == nil {
		return file, nil
	}
	if strings.Contains(rest, "\nfunc ") || strings.HasPrefix(rest, "func ") {
		return nil, err
	}
	_, err = parser.ParseFile(c.fset, "", statements, parser.SkipObjectResolution)
	return nil, err
}
