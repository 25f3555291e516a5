package snippets

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
)

var onlyMajorVersion = regexp.MustCompile(`^v\d+$`)

// Declared returns the names that files declare.
func Declared(files []*ast.File) map[string]bool {
	names := map[string]bool{}
	for _, file := range files {
		for _, name := range declaredNames(file) {
			names[name] = true
		}
	}
	return names
}

// Remove removes the declarations of names from a file of types and variables.
func Remove(file *ast.File, names map[string]bool) {
	isNamed := func(name *ast.Ident) bool { return names[name.Name] }
	for _, declaration := range file.Decls {
		general, ok := declaration.(*ast.GenDecl)
		if !ok {
			continue
		}
		general.Specs = slices.DeleteFunc(general.Specs, func(spec ast.Spec) bool {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				return isNamed(spec.Name)
			case *ast.ValueSpec:
				spec.Names = slices.DeleteFunc(spec.Names, isNamed)
				return len(spec.Names) == 0
			}
			return false
		})
	}
}

// declaredNames returns the names that a file declares, without those of methods.
func declaredNames(file *ast.File) []string {
	var names []string
	for _, declaration := range file.Decls {
		switch declaration := declaration.(type) {
		case *ast.FuncDecl:
			if declaration.Recv == nil {
				names = append(names, declaration.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range declaration.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, spec.Name.Name)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

// RemoveUnusedImports removes the imports that a file does not use, and repeated ones.
func RemoveUnusedImports(file *ast.File) {
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
	if onlyMajorVersion.MatchString(path.Base(name)) {
		name = path.Dir(name)
	}
	return path.Base(name)
}

// UseVariables adds a use of each variable after its declaration.
func UseVariables(file *ast.File) {
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
