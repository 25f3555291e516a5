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
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
	"github.com/inngestkit/inngestkit/internal/conformance/snippets"
)

const (
	readme        = "README.md"
	readmeAdapter = workspace.Repository + "/adapters/gin"
)

var majorVersion = regexp.MustCompile(`^v\d+$`)

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
			removeUnusedImports(file)
			useVariables(file)
			return file, nil
		}
	}
	return nil, errors.New(readme + " has no function main")
}

func removeUnusedImports(file *ast.File) {
	used := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := selector.X.(*ast.Ident); ok {
				used[x.Name] = true
			}
		}
		return true
	})
	seen := map[string]bool{}
	file.Decls = slices.DeleteFunc(file.Decls, func(d ast.Decl) bool {
		declaration, ok := d.(*ast.GenDecl)
		if !ok || declaration.Tok != token.IMPORT {
			return false
		}
		declaration.Specs = slices.DeleteFunc(declaration.Specs, func(s ast.Spec) bool {
			name := importName(s.(*ast.ImportSpec))
			unused := !used[name] || seen[name]
			seen[name] = true
			return unused
		})
		return len(declaration.Specs) == 0
	})
}

// importName returns the name that a package has in a file. It guesses that the name of a
// package is the last element of its path, apart from a major version.
func importName(spec *ast.ImportSpec) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	name, _ := strconv.Unquote(spec.Path.Value)
	if majorVersion.MatchString(path.Base(name)) {
		name = path.Dir(name)
	}
	return path.Base(name)
}

// useVariables adds a use of each variable after its declaration.
func useVariables(file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		block, ok := n.(*ast.BlockStmt)
		if !ok {
			return true
		}
		var statements []ast.Stmt
		for _, statement := range block.List {
			statements = append(statements, statement)
			declared, ok := statement.(*ast.AssignStmt)
			if !ok || declared.Tok != token.DEFINE {
				continue
			}
			for _, variable := range declared.Lhs {
				if name := variable.(*ast.Ident).Name; name != "_" {
					statements = append(statements, &ast.AssignStmt{
						Lhs: []ast.Expr{ast.NewIdent("_")}, Tok: token.ASSIGN, Rhs: []ast.Expr{ast.NewIdent(name)},
					})
				}
			}
		}
		block.List = statements
		return true
	})
}
