package candidate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
)

const license = "LICENSE"

// WriteProxy writes modules into a directory that the go command accepts as GOPROXY.
func WriteProxy(ctx context.Context, w *workspace.Workspace, modules []workspace.Module, dir string) error {
	for _, m := range modules {
		if err := writeModule(ctx, w, m, dir); err != nil {
			return fmt.Errorf("%s: %w", m.Dir, err)
		}
	}
	return nil
}

func writeModule(ctx context.Context, w *workspace.Workspace, m workspace.Module, proxy string) error {
	files, err := trackedFiles(ctx, w.Root, m.Dir)
	if err != nil {
		return err
	}
	goMod, err := os.ReadFile(filepath.Join(w.Root, filepath.FromSlash(m.Dir), "go.mod"))
	if err != nil {
		return err
	}
	escaped, err := module.EscapePath(m.Path())
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := zip.Create(&archive, module.Version{Path: m.Path(), Version: w.Version}, files); err != nil {
		return err
	}
	versions := filepath.Join(proxy, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"list":              []byte(w.Version + "\n"),
		w.Version + ".info": fmt.Appendf(nil, `{"Version":%q,"Time":"2026-01-01T00:00:00Z"}`, w.Version),
		w.Version + ".mod":  goMod,
		w.Version + ".zip":  archive.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(versions, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// trackedFiles returns the files of a directory that Git tracks, as they are now. A file
// that Git does not track would not be released. A directory without a license gets that of
// the repository, as the go command does it.
func trackedFiles(ctx context.Context, root, dir string) ([]zip.File, error) {
	names, err := gitFiles(ctx, root, "--cached", "--", dir)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(names, dir+"/"+license) {
		names = append(names, license)
	}
	var files []zip.File
	for _, name := range names {
		file := trackedFile{inModule: strings.TrimPrefix(name, dir+"/"), onDisk: filepath.Join(root, filepath.FromSlash(name))}
		if _, err := file.Lstat(); errors.Is(err, fs.ErrNotExist) {
			continue // deleted, and not committed yet
		}
		files = append(files, file)
	}
	return files, nil
}

// Untracked returns the files of published modules that Git neither tracks nor ignores.
func Untracked(ctx context.Context, w *workspace.Workspace) ([]string, error) {
	args := []string{"--others", "--exclude-standard", "--"}
	for _, m := range w.Published() {
		args = append(args, m.Dir)
	}
	return gitFiles(ctx, w.Root, args...)
}

func gitFiles(ctx context.Context, root string, args ...string) ([]string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"ls-files", "-z"}, args...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	return slices.DeleteFunc(strings.Split(string(out), "\x00"), func(name string) bool { return name == "" }), nil
}

// A trackedFile is a file of a module, for its archive.
type trackedFile struct{ inModule, onDisk string }

func (f trackedFile) Path() string                 { return path.Clean(f.inModule) }
func (f trackedFile) Lstat() (os.FileInfo, error)  { return os.Lstat(f.onDisk) }
func (f trackedFile) Open() (io.ReadCloser, error) { return os.Open(f.onDisk) }
