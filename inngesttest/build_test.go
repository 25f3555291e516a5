//go:build unix

package inngesttest

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/internal/pinned"
)

// The fake go commands. $out is the -o argument, $bin the directory of the
// script, and $bin/out where it leaves its notes. Of the environment they note
// what the tests look at, as the rest may hold secrets and tests print what
// they compare.
const (
	fakeGoHead = `#!/bin/sh
bin=${0%/*}
echo run >> "$bin/out/runs"
for key in GOFLAGS GOWORK GOOS GOPRIVATE; do eval "echo $key=\$$key" >> "$bin/out/env"; done
while [ "$1" != -o ]; do shift; done
out=$2
`
	fakeGoBuilds = fakeGoHead + `cp go.mod go.sum "$bin/out"; echo built > "$out"; chmod +x "$out"` + "\n"
	fakeGoFails  = fakeGoHead + `echo half > "$out"; echo "pkg/a" >&2; echo "a.go:1:1: it does not compile" >&2; exit 1` + "\n"
	// It is the child of a child that holds out, as a compiler would.
	fakeGoHangs = fakeGoHead + `echo half > "$out"; sleep 1000 & echo $! > "$bin/out/child.tmp"; mv "$bin/out/child.tmp" "$bin/out/child"; wait` + "\n"
	// It goes on when the test has seen the progress.
	fakeGoReports = fakeGoHead + `echo "go: downloading example.com/m v1" >&2; echo "pkg/a" >&2; echo "pkg/b" >&2
while ! [ -e "$bin/out/seen" ]; do sleep 0.01; done
echo built > "$out"; chmod +x "$out"` + "\n"
)

// useFakeGo makes script the only go command for the test, and an empty
// directory its cache.
func useFakeGo(t *testing.T, bin, script string) (cache string) {
	t.Helper()
	writeExecutable(t, bin, "go", script)
	// The script writes here and nowhere else in bin.
	require.NoError(t, os.Mkdir(filepath.Join(bin, "out"), 0o755))
	// No other directory on PATH may have a go, nor an inngest; the tools of the
	// script are made available one by one. They are scripts and not links: what
	// writes to a link by mistake writes to the machine's own file.
	for _, tool := range []string{"cp", "mv", "chmod", "sleep"} {
		path, err := executableOnPath(tool)
		require.NoError(t, err)
		writeExecutable(t, bin, tool, "#!/bin/sh\nexec '"+path+"' \"$@\"\n")
	}
	t.Setenv("PATH", bin)
	cache = t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	return cache
}

func executableOnPath(name string) (string, error) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if path, err := executable(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", os.ErrNotExist
}

// requireNoBuildFiles checks that all a build left behind is the lock file and
// what is named.
func requireNoBuildFiles(t *testing.T, dir string, but ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	require.ElementsMatch(t, append(but, "lock"), names)
}

func TestBuildServerBuildsOnceForAllCallers(t *testing.T) {
	bin := t.TempDir()
	cache := useFakeGo(t, bin, fakeGoBuilds)
	t.Setenv("GOFLAGS", "-mod=vendor -tags=wrong")
	t.Setenv("GOWORK", "/somewhere/go.work")
	t.Setenv("GOOS", "plan9")
	t.Setenv("GOPRIVATE", "kept.example.com")

	var wg sync.WaitGroup
	paths := make([]string, 8)
	errs := make([]error, len(paths))
	for i := range paths {
		wg.Go(func() {
			b, err := BuildServer(t.Context(), io.Discard)
			paths[i], errs[i] = b.Path, err
		})
	}
	wg.Wait()
	for i := range paths {
		require.NoError(t, errs[i])
		require.Equal(t, paths[0], paths[i])
	}
	require.True(t, strings.HasPrefix(paths[0], cache), paths[0])
	runs, err := os.ReadFile(filepath.Join(bin, "out", "runs"))
	require.NoError(t, err)
	require.Equal(t, "run\n", string(runs), "go must run once")
	requireNoBuildFiles(t, filepath.Dir(paths[0]), "inngest")

	env, err := os.ReadFile(filepath.Join(bin, "out", "env"))
	require.NoError(t, err)
	lines := strings.Split(string(env), "\n")
	require.Contains(t, lines, "GOWORK=off")
	require.Contains(t, lines, "GOFLAGS=-mod=readonly")
	require.Contains(t, lines, "GOPRIVATE=kept.example.com")
	require.Contains(t, lines, "GOOS="+runtime.GOOS)
	mod, err := os.ReadFile(filepath.Join(bin, "out", "go.mod"))
	require.NoError(t, err)
	require.Equal(t, pinned.GoMod, mod)
}

func TestBuildServerSaysHowFarItIs(t *testing.T) {
	bin := t.TempDir()
	cache := useFakeGo(t, bin, fakeGoReports)
	var out bytes.Buffer
	b := newServerBuild(filepath.Join(cache, "c"), newLineWriter(func(line []byte) {
		out.Write(line)
		if bytes.Contains(line, []byte("1 modules downloaded, 2 packages compiled; compiling pkg/b")) {
			_ = os.WriteFile(filepath.Join(bin, "out", "seen"), nil, 0o600)
		}
	}))
	b.every = 10 * time.Millisecond
	require.NoError(t, b.ensure(testContext(t)))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Contains(t, lines[0], "takes some minutes")
	require.Contains(t, lines[0], b.dir)
	require.Contains(t, lines[len(lines)-1], "built the Inngest server in ")
}

func TestBuildServerCancelled(t *testing.T) {
	bin := t.TempDir()
	cache := useFakeGo(t, bin, fakeGoHangs)
	b := newServerBuild(cache, io.Discard)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- b.ensure(ctx) }()

	var child int
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(filepath.Join(bin, "out", "child"))
		if err != nil {
			return false
		}
		child, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	cancel()
	err := <-result
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "building the Inngest server: stopped after")
	requireGone(t, child)
	requireNoBuildFiles(t, b.dir)
}

func TestBuildServerFailed(t *testing.T) {
	cache := useFakeGo(t, t.TempDir(), fakeGoFails)
	b := newServerBuild(cache, io.Discard)
	err := b.ensure(t.Context())
	require.ErrorContains(t, err, "exit status 1")
	require.ErrorContains(t, err, "a.go:1:1: it does not compile")
	requireNoBuildFiles(t, b.dir)
}

func TestBuildServerWithoutGo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	b := newServerBuild(t.TempDir(), io.Discard)
	err := b.ensure(t.Context())
	require.ErrorContains(t, err, "needs the go command on PATH")
	require.ErrorContains(t, err, PathEnv)
	requireNoBuildFiles(t, b.dir)
}

func TestBuildServerClearsUpAfterAKilledBuild(t *testing.T) {
	cache := useFakeGo(t, t.TempDir(), fakeGoBuilds)
	b := newServerBuild(cache, io.Discard)
	require.NoError(t, os.MkdirAll(filepath.Join(b.dir, "build-123", "tmp"), 0o755))
	require.NoError(t, b.ensure(t.Context()))
	requireNoBuildFiles(t, b.dir, "inngest")
}
