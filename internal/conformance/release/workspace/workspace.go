// Package workspace reads the modules of this repository, checks that they agree about the
// version that is released next, and changes it.
package workspace

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

const (
	// Repository is the path that the path of each module continues.
	Repository = "github.com/inngestkit/inngestkit"

	core        = Repository + "/core"
	versionFile = "core/app.go" // contains the constant Version
)

var versionConstant = regexp.MustCompile(`(?m)^const Version = "(.*)"$`)

// A Module is a module of the workspace.
type Module struct {
	// Dir is the directory below the root, with slashes, for example "adapters/gin".
	Dir string
	// File is the go.mod.
	File *modfile.File
}

// Path returns the path that users import.
func (m Module) Path() string { return Repository + "/" + m.Dir }

// Published reports whether users can require the module. The modules in internal and
// examples belong to the repository alone.
func (m Module) Published() bool {
	first, _, _ := strings.Cut(m.Dir, "/")
	return first != "internal" && first != "examples"
}

// siblings returns the paths of the modules of this repository that m requires.
func (m Module) siblings() []string {
	var paths []string
	for _, require := range m.File.Require {
		if strings.HasPrefix(require.Mod.Path, Repository+"/") {
			paths = append(paths, require.Mod.Path)
		}
	}
	return paths
}

// A Workspace is what go.work and the files that it names contain.
type Workspace struct {
	// Root is the directory of go.work.
	Root string
	// Version is that of all modules, for example "v0.1.0".
	Version string
	// Modules are those that go.work uses, in its order.
	Modules []Module

	work *modfile.WorkFile
}

// Open reads the workspace whose go.work is in a directory.
func Open(root string) (*Workspace, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	w := &Workspace{Root: root}
	if w.work, err = parse(w.file("go.work"), modfile.ParseWork); err != nil {
		return nil, err
	}
	for _, use := range w.work.Use {
		dir := path.Clean(use.Path)
		file, err := parse(w.file(dir+"/go.mod"), modfile.Parse)
		if err != nil {
			return nil, err
		}
		if file.Module == nil || file.Module.Mod.Path != Repository+"/"+dir {
			return nil, fmt.Errorf("%s/go.mod: the module must be %s/%s", dir, Repository, dir)
		}
		w.Modules = append(w.Modules, Module{Dir: dir, File: file})
	}
	source, err := os.ReadFile(w.file(versionFile))
	if err != nil {
		return nil, err
	}
	match := versionConstant.FindSubmatch(source)
	if match == nil {
		return nil, errors.New(versionFile + " has no constant Version")
	}
	w.Version = "v" + string(match[1])
	if !semver.IsValid(w.Version) {
		return nil, fmt.Errorf("%s: %s is not a version", versionFile, match[1])
	}
	return w, nil
}

// Published returns the modules that users can require. A module comes after those that it
// requires.
func (w *Workspace) Published() []Module {
	var sorted []Module
	var add func(m Module)
	add = func(m Module) {
		if !m.Published() || slices.ContainsFunc(sorted, func(s Module) bool { return s.Dir == m.Dir }) {
			return
		}
		for _, sibling := range m.siblings() {
			if required, found := w.module(sibling); found && sibling != m.Path() {
				add(required)
			}
		}
		sorted = append(sorted, m)
	}
	for _, m := range w.Modules {
		add(m)
	}
	return sorted
}

// Tags returns the tags of a release: one for each published module, which the go command
// finds by its directory. A tag comes after those of the modules that its module requires.
func (w *Workspace) Tags() []string {
	var tags []string
	for _, m := range w.Published() {
		tags = append(tags, m.Dir+"/"+w.Version)
	}
	return tags
}

func (w *Workspace) module(name string) (Module, bool) {
	at := slices.IndexFunc(w.Modules, func(m Module) bool { return m.Path() == name })
	if at < 0 {
		return Module{}, false
	}
	return w.Modules[at], true
}

// file returns the path of a file whose name is relative to the root.
func (w *Workspace) file(name string) string { return filepath.Join(w.Root, filepath.FromSlash(name)) }

func parse[F any](name string, with func(string, []byte, modfile.VersionFixer) (F, error)) (file F, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return file, err
	}
	return with(name, text, nil)
}
