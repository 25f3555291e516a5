package devserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// Build builds the Inngest server of a supported version, or finds it in the
// cache. An empty version means [DefaultVersion]. The first call on a machine builds
// the server with the go command, which downloads its modules and takes some minutes.
// It writes to progress where the result is kept, and its progress every few seconds. A
// nil progress is silent. Later calls find the result in the directory inngestkit of
// the user's cache ([os.UserCacheDir]), under a name that changes with the sources.
//
// Any number of processes may call it concurrently: one builds, the others wait. When
// ctx ends, the build is killed and leaves nothing behind. An error contains the end
// of the go command's output and names alternatives.
func Build(ctx context.Context, version string, progress io.Writer) (Binary, error) {
	version, err := parseVersion(version)
	if err != nil {
		return Binary{}, fmt.Errorf("devserver: %w", err)
	}
	if progress == nil {
		progress = io.Discard
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return Binary{}, fmt.Errorf(
			"devserver: no cache directory to build the Inngest server into; set HOME, or %s to an existing server (%w)",
			PathEnv, err)
	}
	b := newServerBuild(newRecipe(version), filepath.Join(cache, "inngestkit", "devserver"), progress)
	if err := b.ensure(ctx); err != nil {
		return Binary{}, fmt.Errorf("devserver: %w", err)
	}
	return Binary{Path: b.path, Source: SourceBuilt, Version: version}, nil
}

// A serverBuild builds one version of the server into the cache.
type serverBuild struct {
	recipe

	dir      string // belongs to this recipe on this platform
	path     string // the executable
	progress io.Writer
	every    time.Duration // between progress lines
}

func newServerBuild(r recipe, cache string, progress io.Writer) *serverBuild {
	dir := filepath.Join(cache, r.key())
	name := "inngest"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return &serverBuild{recipe: r, dir: dir, path: filepath.Join(dir, name), progress: progress, every: 5 * time.Second}
}

// ensure builds the executable unless it exists.
func (b *serverBuild) ensure(ctx context.Context) (err error) {
	if b.exists() {
		return nil
	}
	if err := os.MkdirAll(b.dir, 0o750); err != nil {
		return fmt.Errorf("the cache directory for the Inngest server cannot be created; set XDG_CACHE_HOME to a writable one, "+
			"or %s to an existing server: %w", PathEnv, err)
	}
	unlock, err := lockFile(ctx, filepath.Join(b.dir, "lock"), func() {
		b.sayf("another process is building the Inngest server %s into %s; waiting for it", b.version, b.dir)
	})
	if err != nil {
		return fmt.Errorf("building the Inngest server %s, or waiting for another process that does: %w", b.version, err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if b.exists() { // built while we waited
		return nil
	}
	b.removeLeftovers()
	work, err := os.MkdirTemp(b.dir, "build-")
	if err != nil {
		return fmt.Errorf("cache for the Inngest server: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	return b.build(ctx, work)
}

func (b *serverBuild) exists() bool {
	// Builds rename a complete file into place, so a file that is not executable was put
	// there by something else.
	info, err := os.Stat(b.path)
	return err == nil && info.Mode().IsRegular() && info.Size() > 0 && (runtime.GOOS == "windows" || info.Mode()&0o111 != 0)
}

// removeLeftovers removes the directories of killed builds. Call it with the lock
// held, so that no build is running.
func (b *serverBuild) removeLeftovers() {
	left, err := filepath.Glob(filepath.Join(b.dir, "build-*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		// If this fails, the build still works.
		_ = os.RemoveAll(dir)
	}
}

// build compiles the server in the directory work and renames it into place.
func (b *serverBuild) build(ctx context.Context, work string) error {
	goCmd, err := exec.LookPath("go")
	if err != nil {
		return fmt.Errorf("building the Inngest server needs the go command on PATH: %w\n%s", err, b.alternatives())
	}
	tmp := filepath.Join(work, "tmp")
	if err := os.Mkdir(tmp, 0o750); err != nil {
		return err
	}
	out := filepath.Join(work, filepath.Base(b.path))

	b.sayf("building the Inngest server %s once for this machine; this takes some minutes. It will be kept in %s",
		b.version, b.dir)
	start := time.Now()
	watch := newBuildWatch()
	stop := b.report(watch, start)
	err = b.compile(ctx, goCmd, work, out, buildEnv(os.Environ(), tmp), watch)
	stop()
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("building the Inngest server %s: stopped after %s: %w",
				b.version, time.Since(start).Round(time.Second), context.Cause(ctx))
		}
		return b.advise(fmt.Errorf("building the Inngest server %s: %w", b.version, err))
	}
	if err := os.Rename(out, b.path); err != nil {
		return fmt.Errorf("building the Inngest server: %w", err)
	}
	b.sayf("built the Inngest server %s in %s", b.version, time.Since(start).Round(time.Second))
	return nil
}

// compile writes the executable to out.
func (b *serverBuild) compile(ctx context.Context, goCmd, work, out string, env []string, watch *buildWatch) error {
	dir, err := b.prepare(ctx, goCmd, work, env, watch)
	if err != nil {
		return err
	}
	//nolint:gosec // G204: it is the go command from PATH, and no shell reads the arguments
	cmd := exec.CommandContext(ctx, goCmd, b.buildArgs(out)...)
	cmd.Dir, cmd.Env = dir, append(env, "PWD="+dir)
	cmd.Cancel = func() error { return kill(cmd.Process) }
	cmd.Stdout, cmd.Stderr = watch, watch
	p, err := startProcess(cmd, func() {})
	if err != nil {
		return err
	}
	<-p.done
	if p.err != nil {
		return &goError{command: "go build", err: p.err, output: watch.tail()}
	}
	return nil
}

// report writes a line every few seconds until stop is called.
func (b *serverBuild) report(watch *buildWatch, start time.Time) (stop func()) {
	done := make(chan struct{})
	var reporting sync.WaitGroup
	reporting.Go(func() {
		tick := time.NewTicker(b.every)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				b.sayf("building the Inngest server %s: %s, %s", b.version, time.Since(start).Round(time.Second), watch.status())
			}
		}
	})
	return func() {
		close(done)
		reporting.Wait()
	}
}

// sayf writes a line of progress.
func (b *serverBuild) sayf(format string, args ...any) {
	// The build continues if progress cannot be written.
	_, _ = fmt.Fprintf(b.progress, "devserver: "+format+"\n", args...)
}

// buildEnv returns environ without settings that could change or break the build: a
// workspace, flags such as -mod=vendor, a target other than this machine, a C
// compiler. The settings for proxies and private modules stay.
func buildEnv(environ []string, tmp string) []string {
	set := []string{
		"CGO_ENABLED=0", // like the releases of Inngest
		"GO111MODULE=on",
		"GOARCH=" + runtime.GOARCH,
		// An empty GOFLAGS would allow the value from `go env -w`.
		"GOFLAGS=-mod=readonly",
		"GOOS=" + runtime.GOOS,
		// The go command's own scratch files vanish with the build directory, also
		// when it is killed.
		"GOTMPDIR=" + tmp,
		"GOWORK=off",
	}
	env := make([]string, 0, len(environ)+len(set))
	for _, kv := range environ {
		if key, _, _ := strings.Cut(kv, "="); key == "GOEXPERIMENT" {
			continue
		}
		env = append(env, kv)
	}
	// If a key has two values, os/exec uses the last.
	return slices.Clip(append(env, set...))
}
