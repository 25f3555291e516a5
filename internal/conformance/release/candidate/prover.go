package candidate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
)

// A Prover uses candidates as users will.
type Prover struct {
	// Records is the directory that lists, for each module, the modules that it brings along.
	// Update writes the lists instead of comparing them.
	Records string
	Update  bool
	// Log is called with each success. It may be called concurrently.
	Log func(message string)

	workspace *workspace.Workspace
	dir       string // temporary
	env       []string
	// unpublished is the environment in which modules that are not published are found, too.
	unpublished []string
}

// NewProver writes the modules of a workspace into module proxies in a temporary directory.
// The caller closes the prover.
func NewProver(ctx context.Context, w *workspace.Workspace) (*Prover, error) {
	dir, err := os.MkdirTemp("", "release")
	if err != nil {
		return nil, err
	}
	p := &Prover{
		Records:   filepath.Join(w.Root, "internal", "conformance", "release", "candidate", "testdata", "modules"),
		Log:       func(string) {},
		workspace: w,
		dir:       dir,
	}
	if err := errors.Join(p.writeProxies(ctx), p.setEnv(ctx)); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Close removes the temporary directory.
func (p *Prover) Close() error { return os.RemoveAll(p.dir) }

// Prove tidies modules, gets and runs the published ones alone, and builds the examples and
// the programs in the pages. Arguments select directories of modules, and pages.
func (p *Prover) Prove(ctx context.Context, dirs ...string) error {
	jobs, err := p.jobs(dirs)
	if err != nil {
		return err
	}
	failures := make([]error, len(jobs))
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for n, job := range jobs {
		group.Go(func() error {
			if err := job.run(ctx); err != nil {
				failures[n] = fmt.Errorf("%s: %w", job.name, err)
			} else {
				p.Log(job.name)
			}
			return nil // the other jobs go on
		})
	}
	return errors.Join(group.Wait(), errors.Join(failures...))
}

// writeProxies writes the published modules into one proxy and the others into a second one:
// a published module must not find the others.
func (p *Prover) writeProxies(ctx context.Context) error {
	unpublished := slices.DeleteFunc(slices.Clone(p.workspace.Modules), workspace.Module.Published)
	return errors.Join(
		WriteProxy(ctx, p.workspace, p.workspace.Published(), filepath.Join(p.dir, "published")),
		WriteProxy(ctx, p.workspace, unpublished, filepath.Join(p.dir, "unpublished")),
	)
}

// setEnv determines the environment of go commands.
func (p *Prover) setEnv(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "go", "env", "GOPROXY", "GOMODCACHE").Output()
	if err != nil {
		return err
	}
	usual, machine, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	cache := filepath.Join(p.dir, "cache")
	if err := shareCache(cache, machine); err != nil {
		return err
	}
	// A missing version of a candidate is searched in the usual proxy, and not in a repository.
	usual = strings.TrimSuffix(usual, ",direct")
	p.env = append(os.Environ(),
		"GOWORK=off",
		// With -trimpath, packages are built once for all directories in which the cache may be.
		"GOFLAGS=-mod=mod -modcacherw -trimpath",
		"GOMODCACHE="+cache,
		"GOPROXY="+p.proxy("published")+","+usual,
		"GONOSUMDB="+workspace.Repository,
		"GONOPROXY=", "GOPRIVATE=",
		"GIN_MODE=release", // otherwise Gin's examples print its routes
	)
	p.unpublished = append(slices.Clone(p.env), "GOPROXY="+p.proxy("published")+","+p.proxy("unpublished")+","+usual)
	return nil
}

func (p *Prover) proxy(name string) string {
	return "file://" + filepath.ToSlash(filepath.Join(p.dir, name))
}

// A job is one part of the proof.
type job struct {
	name string
	run  func(ctx context.Context) error
}

// jobs returns the parts of the proof for some directories and pages, or all.
func (p *Prover) jobs(dirs []string) ([]job, error) {
	var jobs []job
	rest := slices.Clone(dirs)
	selected := func(dir string) bool {
		rest = slices.DeleteFunc(rest, func(d string) bool { return d == dir })
		return len(dirs) == 0 || slices.Contains(dirs, dir)
	}
	for _, m := range p.workspace.Modules {
		if !selected(m.Dir) {
			continue
		}
		jobs = append(jobs, job{"tidy " + m.Dir, func(ctx context.Context) error { return p.tidy(ctx, m) }})
		switch {
		case m.Published():
			jobs = append(jobs, job{"use " + m.Dir, func(ctx context.Context) error { return p.use(ctx, m) }})
		case strings.HasPrefix(m.Dir, "examples/"):
			jobs = append(jobs, job{"build " + m.Dir, func(ctx context.Context) error { return p.build(ctx, m) }})
		}
	}
	pages, err := p.pages()
	if err != nil {
		return nil, err
	}
	for _, page := range pages {
		if selected(page) {
			jobs = append(jobs, job{"build " + page, func(ctx context.Context) error { return p.buildPage(ctx, page) }})
		}
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%s is neither a module of the workspace nor a page with a program", strings.Join(rest, ", "))
	}
	return jobs, nil
}

// command runs a command in a directory and returns what it prints.
func command(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", strings.Join(args, " "), err, &stdout, &stderr)
	}
	return stdout.String(), nil
}
