// Package snippets reads the Go code of the pages. A block is a complete program, or a list
// of declarations or of statements that omits what the reader can guess: imports, and code in
// the place of an ellipsis.
package snippets

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

var (
	goBlock      = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	leftOut      = regexp.MustCompile(`(?m)^\s*…(\s*//.*)?$`)
	majorVersion = regexp.MustCompile(`/v\d+\b`)
	leadImports  = regexp.MustCompile(`^(?s:import \(.*?\n\)\n|import [^\n(]*\n|\n)*`)
)

// Imports has the paths of the packages that blocks need not import, and their names there,
// which are empty if they are the packages' own.
type Imports map[string]string

// ReadImports returns the imports of a Go file.
func ReadImports(name string) (Imports, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	imports := Imports{}
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		imports[path] = ""
		if spec.Name != nil {
			imports[path] = spec.Name.Name
		}
	}
	return imports, nil
}

// A Block is a block of Go code in a page.
type Block struct {
	Page string
	Line int // of the first line of code
	Code string
}

// Blocks returns the blocks of a page. Those that are marked as "go unchecked" are not among
// them.
func Blocks(page, text string) []Block {
	var blocks []Block
	for _, at := range goBlock.FindAllStringSubmatchIndex(text, -1) {
		blocks = append(blocks, Block{Page: page, Line: strings.Count(text[:at[2]], "\n") + 1, Code: text[at[2]:at[3]]})
	}
	return blocks
}

// IsProgram reports whether a block is a complete program, which omits nothing.
func (b Block) IsProgram() bool { return strings.HasPrefix(b.Code, "package ") }

// Programs returns the complete programs in all pages below a directory.
func Programs(root string) ([]Block, error) {
	var programs []Block
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".md" {
			return err
		}
		text, err1 := os.ReadFile(name)
		page, err2 := filepath.Rel(root, name)
		for _, block := range Blocks(filepath.ToSlash(page), string(text)) {
			if block.IsProgram() {
				programs = append(programs, block)
			}
		}
		return errors.Join(err1, err2)
	})
	return programs, err
}

// Completion returns the name of the file in a directory that declares what a page does not.
func Completion(dir, page string) string {
	return filepath.Join(dir, strings.ReplaceAll(strings.TrimSuffix(page, ".md"), "/", "_")+".go")
}

// Parse parses a block as a program, or as declarations, and otherwise as statements. The
// file imports what the block imports, and unless it is a program everything in imports,
// except another major version of that.
func (b Block) Parse(fset *token.FileSet, imports Imports) (*ast.File, error) {
	if b.IsProgram() {
		return parser.ParseFile(fset, "", fmt.Sprintf("//line %s:%d\n%s", b.Page, b.Line, b.Code), parser.SkipObjectResolution)
	}
	own := leadImports.FindString(b.Code)
	rest := strings.ReplaceAll(leftOut.ReplaceAllString(b.Code[len(own):], `panic("")`), "{…}", "{}")
	var head strings.Builder
	head.WriteString("package snippets\n")
	for path, name := range imports {
		if !strings.Contains(majorVersion.ReplaceAllString(own, ""), strconv.Quote(majorVersion.ReplaceAllString(path, ""))) {
			fmt.Fprintf(&head, "import %s %q\n", name, path)
		}
	}
	fmt.Fprintf(&head, "//line %s:%d\n%s", b.Page, b.Line, own)
	declarations := head.String() + rest
	file, err := parser.ParseFile(fset, "", declarations, parser.SkipObjectResolution)
	if err == nil {
		return file, nil
	}
	statements := fmt.Sprintf("%sfunc _() {\n//line %s:%d\n%s\n}\n", head.String(), b.Page, b.Line+strings.Count(own, "\n"), rest)
	if file, failed := parser.ParseFile(fset, "", statements, parser.SkipObjectResolution); failed == nil {
		return file, nil
	}
	if strings.Contains(rest, "\nfunc ") || strings.HasPrefix(rest, "func ") {
		return nil, err
	}
	_, err = parser.ParseFile(fset, "", statements, parser.SkipObjectResolution)
	return nil, err
}
