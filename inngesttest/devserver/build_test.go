//go:build unix

package devserver

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

// The fake go commands. $out is the -o argument, $bin the directory of the script, and
// $bin/out the directory of its notes. They note only the environment variables that the
// tests read, because the rest may hold secrets and tests print what they compare. The
// server's module is in $bin/module.
const (
	fakeGoHead = `#!/bin/sh
bin=${0%/*}
if [ "$1" = mod ]; then
	echo "$*" >> "$bin/out/downloads"; cp go.mod "$bin/out/download.mod"; cp go.sum "$bin/out/download.sum"
	echo "{\"Dir\": \"$bin/module\"}"
	exit
fi
echo "$*" > "$bin/out/args"
echo run >> "$bin/out/runs"
for key in GOFLAGS GOWORK GOOS GOPRIVATE CGO_ENABLED; do eval "echo $key=\$$key" >> "$bin/out/env"; done
while [ "$1" != -o ]; do shift; done
out=$2
`
	fakeGoBuilds = fakeGoHead + `cp -R . "$bin/out/source"; echo built > "$out"; chmod +x "$out"` + "\n"
	fakeGoFails  = fakeGoHead + `echo half > "$out"; echo "pkg/a" >&2; echo "a.go:1:1: it does not compile" >&2; exit 1` + "\n"
	// The grandchild keeps running, like a compiler.
	fakeGoHangs = fakeGoHead + `echo half > "$out"; sleep 1000 & echo $! > "$bin/out/child.tmp"; mv "$bin/out/child.tmp" "$bin/out/child"; wait` + "\n"
	// Downloads until the test has seen the progress.
	fakeGoDownloads = `#!/bin/sh
bin=${0%/*}
while [ "$1" = mod ] && ! [ -e "$bin/out/seen" ]; do sleep 0.01; done
` + fakeGoBuilds
	// Hangs before the build.
	fakeGoHangsEarly = `#!/bin/sh
bin=${0%/*}
sleep 1000 & echo $! > "$bin/out/child.tmp"; mv "$bin/out/child.tmp" "$bin/out/child"; wait` + "\n"
	// Continues when the test has seen the progress.
	fakeGoReports = fakeGoHead + `echo "go: downloading example.com/m v1" >&2; echo "pkg/a" >&2; echo "pkg/b" >&2
while ! [ -e "$bin/out/seen" ]; do sleep 0.01; done
echo built > "$out"; chmod +x "$out"` + "\n"
)

// useFakeGo makes script the only go command of the test, with an empty cache.
func useFakeGo(t *testing.T, bin, script string) (cache string) {
	t.Helper()
	writeExecutable(t, bin, "go", script)
	// The script writes only here.
	require.NoError(t, os.Mkdir(filepath.Join(bin, "out"), 0o755))
	module := filepath.Join(bin, "module", "internal", "embeddocs")
	require.NoError(t, os.MkdirAll(module, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(module, "docs.go"), []byte("package embeddocs\n"), 0o444))
	// PATH must not have another go or an inngest, so it has only the tools that the
	// script needs. They are scripts instead of links: a mistaken write to a link would
	// change the machine's own file.
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

// eachVersion runs the test for every version that can be built.
func eachVersion(t *testing.T, test func(t *testing.T, version string)) {
	t.Helper()
	for _, version := range versions {
		t.Run(version, func(t *testing.T) { test(t, version) })
	}
}

func executableOnPath(name string) (string, error) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if path, err := executable(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", os.ErrNotExist
}

// requireNoBuildFiles checks that a build left behind only the lock file and the named
// files.
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
	eachVersion(t, func(t *testing.T, version string) {
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
				b, err := Build(t.Context(), version, io.Discard)
				paths[i], errs[i] = b.Path, err
			})
		}
		wg.Wait()
		for i := range paths {
			require.NoError(t, errs[i])
			require.Equal(t, paths[0], paths[i])
		}
		require.True(t, strings.HasPrefix(paths[0], cache), paths[0])
		require.Equal(t, "run\n", note(t, bin, "runs"), "go must run once")
		requireNoBuildFiles(t, filepath.Dir(paths[0]), "inngest")

		lines := strings.Split(note(t, bin, "env"), "\n")
		require.Contains(t, lines, "GOWORK=off")
		require.Contains(t, lines, "GOFLAGS=-mod=readonly")
		require.Contains(t, lines, "GOPRIVATE=kept.example.com")
		require.Contains(t, lines, "GOOS="+runtime.GOOS)
		require.Contains(t, lines, "CGO_ENABLED=0")
		require.Contains(t, note(t, bin, "args"), "version.Version="+strings.TrimPrefix(version, "v")+" ")
	})
}

// Every download is fixed by a checksum. For v1.12.1, our go.sum has each module. For
// v1.43.0 it has the server's own module, which includes its go.sum.
func TestBuildServerPinsWhatItDownloads(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		bin := t.TempDir()
		useFakeGo(t, bin, fakeGoBuilds)
		_, err := Build(t.Context(), version, io.Discard)
		require.NoError(t, err)
		goMod, goSum := pinned.Module(version)
		require.Contains(t, string(goSum), serverModule+" "+version+" h1:")
		if version == OldestVersion {
			require.Equal(t, string(goMod), note(t, bin, "source/go.mod"))
			require.Equal(t, string(goSum), note(t, bin, "source/go.sum"))
			return
		}
		require.Equal(t, "mod download -json "+serverModule+"@"+version+"\n", note(t, bin, "downloads"))
		require.Equal(t, string(goMod), note(t, bin, "download.mod"))
		require.Equal(t, string(goSum), note(t, bin, "download.sum"))
		require.FileExists(t, filepath.Join(bin, "out", "source", "internal", "embeddocs", "docs.go"), "it is built in a copy")
		require.NotEmpty(t, note(t, bin, "source/internal/embeddocs/website/pages/docs/README.md"))
		require.NoDirExists(t, filepath.Join(bin, "module", "internal", "embeddocs", "website"), "nothing is written to the module cache")
	})
}

// The real go command rejects a module whose content differs from the known one.
func TestBuildServerRefusesAnotherModule(t *testing.T) {
	t.Parallel()
	b := newServerBuild(newRecipe(NewestVersion), t.TempDir(), io.Discard)
	b.goSum = bytes.Replace(b.goSum, []byte("h1:"), []byte("h1:AAAA"), 1)
	err := b.ensure(testContext(t))
	require.ErrorContains(t, err, "go mod download: ")
	require.ErrorContains(t, err, "checksum mismatch")
	requireNoBuildFiles(t, b.dir)
}

func TestBuildServerSaysHowFarItIs(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		bin := t.TempDir()
		cache := useFakeGo(t, bin, fakeGoReports)
		var out bytes.Buffer
		b := newServerBuild(newRecipe(version), filepath.Join(cache, "c"), newLineWriter(func(line []byte) {
			out.Write(line)
			if bytes.Contains(line, []byte(version+": 0s, 1 modules downloaded, 2 packages compiled; compiling pkg/b")) {
				_ = os.WriteFile(filepath.Join(bin, "out", "seen"), nil, 0o600)
			}
		}))
		b.every = 10 * time.Millisecond
		require.NoError(t, b.ensure(testContext(t)))
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.Contains(t, lines[0], "takes some minutes")
		require.Contains(t, lines[0], b.dir)
		require.Contains(t, lines[len(lines)-1], "built the Inngest server "+version+" in ")
	})
}

func TestBuildServerSaysThatItDownloads(t *testing.T) {
	bin := t.TempDir()
	cache := useFakeGo(t, bin, fakeGoDownloads)
	b := newServerBuild(newRecipe(NewestVersion), cache, newLineWriter(func(line []byte) {
		if bytes.Contains(line, []byte("downloading github.com/inngest/inngest v1.43.0")) {
			_ = os.WriteFile(filepath.Join(bin, "out", "seen"), nil, 0o600)
		}
	}))
	b.every = 10 * time.Millisecond
	require.NoError(t, b.ensure(testContext(t)))
}

func TestBuildServerCancelled(t *testing.T) {
	for name, script := range map[string]string{"during the build": fakeGoHangs, "during the download": fakeGoHangsEarly} {
		t.Run(name, func(t *testing.T) {
			bin := t.TempDir()
			cache := useFakeGo(t, bin, script)
			b := newServerBuild(newRecipe(NewestVersion), cache, io.Discard)
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
			require.ErrorContains(t, err, "building the Inngest server v1.43.0: stopped after")
			requireGone(t, child)
			requireNoBuildFiles(t, b.dir)
		})
	}
}

func TestBuildServerFailed(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		cache := useFakeGo(t, t.TempDir(), fakeGoFails)
		b := newServerBuild(newRecipe(version), cache, io.Discard)
		err := b.ensure(t.Context())
		require.ErrorContains(t, err, "building the Inngest server "+version+": go build: exit status 1")
		require.ErrorContains(t, err, "a.go:1:1: it does not compile")
		requireWaysOut(t, err, version)
		requireNoBuildFiles(t, b.dir)
	})
}

// If this machine cannot build, the error says why and what helps. The texts are those of
// Go 1.26.
func TestBuildServerNamesTheCure(t *testing.T) {
	for text, want := range map[string]string{
		"go: github.com/inngest/inngest@v1.43.0 requires go >= 1.26.4 (running go 1.26.0; GOTOOLCHAIN=local)": "needs Go 1.26.4 or newer; " +
			"this is Go 1.26.0, and GOTOOLCHAIN forbids downloading a newer one. Install it, or set GOTOOLCHAIN=auto.",
		"go: github.com/inngest/inngest@v1.43.0 requires go >= 1.26.4 (running go 1.26.0)\n" +
			"go: switching to go >= 1.26.4: module lookup disabled by GOPROXY=off": "this is Go 1.26.0, and a newer one could not be downloaded. Install it.\n",
		`go: github.com/inngest/inngest@v1.43.0: Get "https://proxy.invalid/x.zip": dial tcp: lookup proxy.invalid: no such host`: "Check the network",
		"go: github.com/inngest/inngest@v1.43.0: module lookup disabled by GOPROXY=off":                                           "Check the network",
		"go: github.com/inngest/inngest@v1.43.0: reading https://proxy.invalid/x.zip: 403 Forbidden":                              "Check the network",
	} {
		cache := useFakeGo(t, t.TempDir(), "#!/bin/sh\necho '"+text+"' >&2; exit 1\n")
		_, err := Build(t.Context(), NewestVersion, io.Discard)
		require.ErrorContains(t, err, text)
		require.ErrorContains(t, err, want)
		requireWaysOut(t, err, NewestVersion)
		requireNoBuildFiles(t, newServerBuild(newRecipe(NewestVersion), filepath.Join(cache, "inngestkit", "devserver"), nil).dir)
	}
}

// requireWaysOut checks that an error names the alternatives to the build.
func requireWaysOut(t *testing.T, err error, version string) {
	t.Helper()
	for _, way := range []string{"npm install -g inngest-cli", "container image inngest/inngest", PathEnv} {
		require.ErrorContains(t, err, way)
	}
	for _, other := range versions {
		if other != version {
			require.ErrorContains(t, err, VersionEnv+"="+other)
		}
	}
	require.NotContains(t, err.Error(), VersionEnv+"="+version)
}

func TestBuildServerWithoutGo(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		t.Setenv("PATH", t.TempDir())
		b := newServerBuild(newRecipe(version), t.TempDir(), io.Discard)
		err := b.ensure(t.Context())
		require.ErrorContains(t, err, "needs the go command on PATH")
		requireWaysOut(t, err, version)
		requireNoBuildFiles(t, b.dir)
	})
}

func TestBuildServerClearsUpAfterAKilledBuild(t *testing.T) {
	cache := useFakeGo(t, t.TempDir(), fakeGoBuilds)
	b := newServerBuild(newRecipe(NewestVersion), cache, io.Discard)
	require.NoError(t, os.MkdirAll(filepath.Join(b.dir, "build-123", "source"), 0o755))
	require.NoError(t, b.ensure(t.Context()))
	requireNoBuildFiles(t, b.dir, "inngest")
}

// A file in the cache that cannot be executed is replaced by a new build.
func TestBuildServerReplacesABrokenFile(t *testing.T) {
	for name, broken := range map[string]struct {
		content string
		mode    os.FileMode
	}{"empty": {"", 0o755}, "not executable": {"text", 0o600}} {
		t.Run(name, func(t *testing.T) {
			cache := useFakeGo(t, t.TempDir(), fakeGoBuilds)
			b := newServerBuild(newRecipe(NewestVersion), cache, io.Discard)
			require.NoError(t, os.MkdirAll(b.dir, 0o755))
			require.NoError(t, os.WriteFile(b.path, []byte(broken.content), broken.mode))
			require.NoError(t, b.ensure(t.Context()))
			text, err := os.ReadFile(b.path)
			require.NoError(t, err)
			require.Equal(t, "built\n", string(text))
		})
	}
}

func TestBuildServerWithoutACache(t *testing.T) {
	t.Parallel()
	b := newServerBuild(newRecipe(NewestVersion), os.DevNull, io.Discard)
	err := b.ensure(t.Context())
	require.ErrorContains(t, err, "XDG_CACHE_HOME")
	require.ErrorContains(t, err, PathEnv)
}

func TestBuildServerOfAnUnknownVersion(t *testing.T) {
	t.Parallel()
	_, err := Build(t.Context(), "1.44.0", io.Discard)
	require.ErrorContains(t, err, `no build is known for version "1.44.0" of the Inngest server; the versions are v1.12.1 and v1.43.0`)
	require.ErrorContains(t, err, PathEnv)
}

// A changed recipe must not find the executable of an older one.
func TestBuildsAreKeptApart(t *testing.T) {
	t.Parallel()
	first, second := newRecipe(OldestVersion), newRecipe(NewestVersion)
	require.NotEqual(t, first.key(), second.key())
	for _, change := range []func(*recipe){
		func(r *recipe) { r.version = "v9" }, func(r *recipe) { r.goMod = nil }, func(r *recipe) { r.goSum = nil }, func(r *recipe) { r.absent = "" },
	} {
		changed := second
		change(&changed)
		require.NotEqual(t, second.key(), changed.key())
	}
}

// note returns a note of a fake go command.
func note(t *testing.T, bin, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(bin, "out", filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(text)
}
