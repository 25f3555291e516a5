package candidate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/format"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"

	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
)

// runExample runs the first example in the documentation of a module as a program of its
// own, and compares what it prints. A module in an internal directory has no examples,
// because no program can import it.
func (p *Prover) runExample(ctx context.Context, m workspace.Module, dir string) error {
	if strings.Contains(m.Dir, "/internal/") {
		return nil
	}
	program, want, err := firstExample(filepath.Join(p.workspace.Root, filepath.FromSlash(m.Dir)))
	if err != nil {
		return err
	}
	if err := write(dir, "main.go", program); err != nil {
		return err
	}
	got, err := command(ctx, dir, p.env, "go", "run", ".")
	if err != nil {
		return err
	}
	if strings.TrimSpace(got) != strings.TrimSpace(want) {
		return fmt.Errorf("the example prints\n%s\nnot\n%s", got, want)
	}
	return nil
}

// firstExample returns the example of a package that is a program of its own and says what
// it prints: that of the package if there is one, otherwise the first in alphabetical order.
func firstExample(dir string) (program, output string, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return "", "", err
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			return "", "", err
		}
		files = append(files, file)
	}
	examples := doc.Examples(files...) // sorted by name; that of the package has none
	first := slices.IndexFunc(examples, func(e *doc.Example) bool {
		return e.Play != nil && e.Output != "" && !e.Unordered
	})
	if first < 0 {
		return "", "", errors.New("no example is a program of its own and has an output")
	}
	var text bytes.Buffer
	err = format.Node(&text, fset, examples[first].Play)
	return text.String(), examples[first].Output, err
}
