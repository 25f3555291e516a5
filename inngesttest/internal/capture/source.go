package capture

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A pkg is the parsed source of a package, with its test files.
type pkg struct {
	fset    *token.FileSet
	files   map[string]*ast.File        // by path
	funcs   map[string]*ast.FuncDecl    // by name
	methods map[[2]string]*ast.FuncDecl // by receiver and name
	fileOf  map[ast.Decl]*ast.File

	mu    sync.Mutex
	infos map[ast.Decl]*types.Info
}

// A function is a function declaration or literal.
type function struct {
	node ast.Node // *ast.FuncDecl or *ast.FuncLit
	decl ast.Decl // the declaration that contains it
}

// signature returns the parameters and results of the function.
func (f function) signature() *ast.FuncType {
	if decl, ok := f.node.(*ast.FuncDecl); ok {
		return decl.Type
	}
	return f.node.(*ast.FuncLit).Type
}

// body returns the statements of the function, nil if it is written in assembly.
func (f function) body() *ast.BlockStmt {
	if decl, ok := f.node.(*ast.FuncDecl); ok {
		return decl.Body
	}
	return f.node.(*ast.FuncLit).Body
}

// looksLikeHandler reports whether the function has a context, an input and two results.
func (f function) looksLikeHandler() bool {
	s := f.signature()
	return len(s.Params.List) == 2 && s.Results.NumFields() == 2 && isContext(s.Params.List[0].Type) &&
		inputName.MatchString(types.ExprString(s.Params.List[1].Type))
}

// inputName matches the types Input of the kit and of the SDK, and aliases of them.
var inputName = regexp.MustCompile(`(?i)input(\[.*\])?$`)

func isContext(e ast.Expr) bool { return types.ExprString(e) == "context.Context" }

// directories has the packages of a directory by its path.
var directories sync.Map // of func() (map[string]*pkg, error)

// loadAll returns the packages in the directory by name: its own and that of external tests.
func loadAll(dir string) (map[string]*pkg, error) {
	load, _ := directories.LoadOrStore(dir, sync.OnceValues(func() (map[string]*pkg, error) { return parseDir(dir) }))
	return load.(func() (map[string]*pkg, error))()
}

// loadFor returns the package of a file.
func loadFor(file string) (*pkg, error) {
	packages, err := loadAll(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	for _, p := range packages {
		if p.files[file] != nil {
			return p, nil
		}
	}
	return nil, fmt.Errorf("no Go file %s", file)
}

// parseDir parses the files of a directory, whatever their build constraints: a test may be
// built with tags. It leaves out files that do not parse, which are not part of the binary.
func parseDir(dir string) (map[string]*pkg, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	packages := map[string]*pkg{}
	for _, name := range paths {
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		p := packages[file.Name.Name]
		if p == nil {
			p = &pkg{
				fset: fset, files: map[string]*ast.File{},
				funcs: map[string]*ast.FuncDecl{}, methods: map[[2]string]*ast.FuncDecl{},
				fileOf: map[ast.Decl]*ast.File{}, infos: map[ast.Decl]*types.Info{},
			}
			packages[file.Name.Name] = p
		}
		p.add(file)
	}
	return packages, nil
}

// add indexes the declarations of a file. A function that several files declare, for
// different platforms, is nil in the index.
func (p *pkg) add(file *ast.File) {
	// A //line directive before the package clause gives the file the name that the compiler uses.
	p.files[p.fset.Position(file.Package).Filename] = file
	for _, decl := range file.Decls {
		p.fileOf[decl] = file
		fn, ok := decl.(*ast.FuncDecl)
		switch {
		case !ok || fn.Body == nil:
		case fn.Recv.NumFields() > 0:
			addOnce(p.methods, [2]string{receiverType(fn), fn.Name.Name}, fn)
		default:
			addOnce(p.funcs, fn.Name.Name, fn)
		}
	}
}

func addOnce[K comparable](index map[K]*ast.FuncDecl, key K, fn *ast.FuncDecl) {
	if _, isDuplicate := index[key]; isDuplicate {
		fn = nil
	}
	index[key] = fn
}

// receiverType returns the name of the type that a method belongs to.
func receiverType(fn *ast.FuncDecl) string {
	e := fn.Recv.List[0].Type
	for {
		switch t := e.(type) {
		case *ast.StarExpr:
			e = t.X
		case *ast.ParenExpr:
			e = t.X
		case *ast.IndexExpr:
			e = t.X
		case *ast.IndexListExpr:
			e = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
}

// find returns the function at a location. It finds none if several literals on the same
// line could be it.
func (p *pkg) find(at location) (function, bool) {
	if at.method != "" {
		decl := p.methods[[2]string{at.receiver, at.method}]
		return function{decl, decl}, decl != nil
	}
	var found []function
	eachFunctionIn(p.files[at.file], func(fn function) {
		_, isLiteral := fn.node.(*ast.FuncLit)
		start := p.fset.Position(fn.node.Pos())
		if start.Filename == at.file && start.Line == at.line && isLiteral == at.isLiteral() {
			found = append(found, fn)
		}
	})
	return onlyHandler(found)
}

// onlyHandler returns the only function, or else the only one that looks like a handler.
func onlyHandler(functions []function) (function, bool) {
	if len(functions) > 1 {
		functions = slices.DeleteFunc(functions, func(fn function) bool { return !fn.looksLikeHandler() })
	}
	if len(functions) != 1 {
		return function{}, false
	}
	return functions[0], true
}

// eachFunction calls yield for each function of the package, outer ones first.
func (p *pkg) eachFunction(yield func(function)) {
	for _, file := range p.files {
		eachFunctionIn(file, yield)
	}
}

func eachFunctionIn(file *ast.File, yield func(function)) {
	for _, decl := range file.Decls {
		ast.Inspect(decl, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Body != nil {
					yield(function{n, decl})
				}
			case *ast.FuncLit:
				yield(function{n, decl})
			}
			return true
		})
	}
}

// infoOf resolves the names in a declaration. It sees the imports and types of the same file
// and nothing else: variables need no more, and checking a whole package takes longer than
// parsing it.
func (p *pkg) infoOf(decl ast.Decl) *types.Info {
	p.mu.Lock()
	defer p.mu.Unlock()
	if info := p.infos[decl]; info != nil {
		return info
	}
	info := &types.Info{
		Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Types: map[ast.Expr]types.TypeAndValue{},
	}
	file := *p.fileOf[decl]
	file.Decls = []ast.Decl{}
	for _, d := range p.fileOf[decl].Decls {
		if gen, ok := d.(*ast.GenDecl); d == decl || ok && (gen.Tok == token.IMPORT || gen.Tok == token.TYPE) {
			file.Decls = append(file.Decls, d)
		}
	}
	config := types.Config{
		Importer: emptyPackages{}, FakeImportC: true,
		Error: func(error) {}, // about the names that are left out
	}
	_, _ = config.Check(file.Name.Name, p.fset, []*ast.File{&file}, info)
	p.infos[decl] = info
	return info
}

// emptyPackages imports packages without their names: only the path of a package matters.
type emptyPackages struct{}

var majorVersion = regexp.MustCompile(`/v\d+$|\.v\d+$`)

// Import implements [types.Importer]. The name of a package is what its path suggests.
func (emptyPackages) Import(importPath string) (*types.Package, error) {
	name := path.Base(majorVersion.ReplaceAllString(importPath, ""))
	p := types.NewPackage(importPath, strings.TrimPrefix(name, "go-"))
	p.MarkComplete()
	return p, nil
}
