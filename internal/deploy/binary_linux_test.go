package deploy

import (
	"bytes"
	"debug/elf"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/stretchr/testify/require"
)

// binary is the program, built once by the command of the Dockerfile from what its build gets.
var binary struct {
	once sync.Once
	path string
	out  string
	err  error
}

// buildBinary returns the path of the program.
func buildBinary(t *testing.T) string {
	t.Helper()
	binary.once.Do(func() {
		// Not t.TempDir, whose parent only this user can enter.
		programDir, binary.err = os.MkdirTemp("", "deploy-") //nolint:usetesting // see above
		if binary.err != nil {
			return
		}
		source := filepath.Join(programDir, "src")
		if binary.err = errors.Join(os.Chmod(programDir, 0o755), copyContext(source)); binary.err != nil {
			return
		}
		build := stages(t)[0].instructions
		binary.path = filepath.Join(programDir, "out", "reports")
		command := strings.ReplaceAll(build["RUN"].Next.Value, "/out/", filepath.Dir(binary.path)+"/")
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = source
		cmd.Env = append(os.Environ(), "TARGETOS="+runtime.GOOS, "TARGETARCH="+runtime.GOARCH, build["ARG"].Next.Value)
		out, err := cmd.CombinedOutput()
		binary.out, binary.err = string(out), err
	})
	require.NoError(t, binary.err, binary.out)
	return binary.path
}

// copyContext copies the files that docker build gets: those that Dockerfile.dockerignore does
// not exclude.
func copyContext(target string) error {
	file, err := os.Open(filepath.Join(directory, "Dockerfile.dockerignore"))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		return err
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		return err
	}
	repository := filepath.Join(directory, "..")
	return filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a concurrent test has removed it
		}
		if err != nil || path == repository {
			return err
		}
		if entry.IsDir() && entry.Name() == ".git" {
			return fs.SkipDir
		}
		name, err := filepath.Rel(repository, path)
		if err != nil || entry.IsDir() {
			return err
		}
		if skip, err := ignored.MatchesOrParentMatches(name); skip || err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(target, name)), 0o755),
			os.WriteFile(filepath.Join(target, name), text, 0o644))
	})
}

// The build gets the sources of the program, and no test, no secret and no history.
func TestBuildContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, copyContext(dir))
	require.FileExists(t, filepath.Join(dir, "go.work"))
	count := 0
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		count++
		for _, part := range []string{"_test.go", "testdata", ".git", ".env"} {
			require.NotContains(t, filepath.Base(path), part)
		}
		return err
	}))
	require.Greater(t, count, 100)
}

// The program needs no library, and its paths do not show where it was built.
func TestBinaryIsStatic(t *testing.T) {
	t.Parallel()
	path := buildBinary(t)
	file, err := elf.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	for _, segment := range file.Progs {
		require.NotEqual(t, elf.PT_INTERP, segment.Type)
	}
	libraries, err := file.ImportedLibraries()
	require.NoError(t, err)
	require.Empty(t, libraries)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.False(t, bytes.Contains(text, []byte(programDir)))
	t.Logf("%d MiB", len(text)>>20)
}
