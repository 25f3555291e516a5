// Package api compares what the published modules export with a record of the last release.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
)

const prefix = workspace.Repository + "/"

// Load returns the packages of a workspace that users can import.
func Load(ctx context.Context, w *workspace.Workspace) ([]*types.Package, error) {
	names, exports, err := list(ctx, w)
	if err != nil {
		return nil, err
	}
	compiled := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	var packages []*types.Package
	for _, name := range names {
		loaded, err := compiled.Import(name)
		if err != nil {
			return nil, err
		}
		packages = append(packages, loaded)
	}
	return packages, nil
}

// list builds the packages of published modules. It returns the names of those that users
// can import, and the files with the types of all packages.
func list(ctx context.Context, w *workspace.Workspace) (names []string, exports map[string]string, err error) {
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Export,Name"}
	for _, m := range w.Published() {
		args = append(args, m.Path()+"/...")
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = w.Root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("go list: %w\n%s", err, &stderr)
	}
	exports = map[string]string{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var listed struct {
			ImportPath string `json:"ImportPath"`
			Export     string `json:"Export"`
			Name       string `json:"Name"`
		}
		if err := decoder.Decode(&listed); errors.Is(err, io.EOF) {
			return names, exports, nil
		} else if err != nil {
			return nil, nil, err
		}
		exports[listed.ImportPath] = listed.Export
		isOurs := strings.HasPrefix(listed.ImportPath, workspace.Repository+"/")
		if isOurs && !IsInternal(listed.ImportPath) && listed.Name != "main" {
			names = append(names, listed.ImportPath)
		}
	}
}

// IsInternal reports whether a package is one of this repository that users cannot import.
// Internal types of the SDK have public names in ours.
func IsInternal(path string) bool {
	name, ours := strings.CutPrefix(path, prefix)
	return ours && slices.Contains(strings.Split(name, "/"), "internal")
}
