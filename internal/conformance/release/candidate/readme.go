package candidate

import (
	"bytes"
	"context"
	"errors"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"

	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
	"github.com/inngestkit/inngestkit/internal/conformance/snippets"
)

const (
	readme        = "README.md"
	readmeAdapter = workspace.Repository + "/adapters/gin"
)

// buildReadme builds the program in the README, in a module with nothing but its adapter.
func (p *Prover) buildReadme(ctx context.Context) error {
	at := slices.IndexFunc(p.workspace.Modules, func(m workspace.Module) bool { return m.Path() == readmeAdapter })
	if at < 0 {
		return errors.New("the workspace does not have " + readmeAdapter)
	}
	dir := filepath.Join(p.dir, "readme")
	if err := p.newProgram(dir, p.workspace.Modules[at]); err != nil {
		return err
	}
	if err := writeReadme(p.workspace.Root, dir); err != nil {
		return err
	}
	if _, err := command(ctx, dir, p.env, "go", "get", readmeAdapter+"@"+p.workspace.Version); err != nil {
		return err
	}
	_, err := command(ctx, dir, p.env, "go", "build", ".")
	return err
}

// writeReadme writes the program, and what the README does not explain, into a directory.
func writeReadme(root, dir string) error {
	page, err := os.ReadFile(filepath.Join(root, readme))
	if err != nil {
		return err
	}
	completions := filepath.Join(root, "internal", "conformance", "testdata", "snippets")
	imports, err := snippets.ReadImports(filepath.Join(completions, "imports.go"))
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	program, err := firstProgram(fset, snippets.Blocks(readme, string(page)), imports)
	if err != nil {
		return err
	}
	common, err1 := parser.ParseFile(fset, filepath.Join(completions, "common.go"), nil, 0)
	own, err2 := parser.ParseFile(fset, snippets.Completion(completions, readme), nil, 0)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	for name, file := range map[string]*ast.File{"main.go": program, "common.go": common, "own.go": own} {
		file.Name.Name = "main"
		var text bytes.Buffer
		if err := format.Node(&text, fset, file); err != nil {
			return err
		}
		if err := write(dir, name, text.String()); err != nil {
			return err
		}
	}
	return nil
}

// firstProgram returns the first block with a function main, in a form that the compiler
// accepts: without imports and variables that nothing uses.
func firstProgram(fset *token.FileSet, blocks []snippets.Block, imports snippets.Imports) (*ast.File, error) {
	for _, block := range blocks {
		file, err := block.Parse(fset, imports)
		if err != nil {
			return nil, err
		}
		isMain := func(d ast.Decl) bool { f, ok := d.(*ast.FuncDecl); return ok && f.Name.Name == "main" }
		if slices.ContainsFunc(file.Decls, isMain) {
			snippets.RemoveUnusedImports(file)
			snippets.UseVariables(file)
			return file, nil
		}
	}
	return nil, errors.New(readme + " has no function main")
}
