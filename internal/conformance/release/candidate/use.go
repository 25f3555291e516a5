package candidate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
)

// use gets a module alone into an empty one, as its users do, builds its packages, compares
// what it brings along with the record, and runs its example.
func (p *Prover) use(ctx context.Context, m workspace.Module) error {
	dir := filepath.Join(p.dir, "use", filepath.FromSlash(m.Dir))
	if err := p.newProgram(dir, m); err != nil {
		return err
	}
	if _, err := command(ctx, dir, p.env, "go", "get", m.Path()+"@"+p.workspace.Version); err != nil {
		return err
	}
	if _, err := command(ctx, dir, p.env, "go", "build", m.Path()+"/..."); err != nil {
		return err
	}
	return errors.Join(p.compareModules(ctx, m, dir), p.runExample(ctx, m, dir))
}

// newProgram makes an empty module. It has the checksums of the modules that it may use, so
// they are compared with those of the modules that it gets.
func (p *Prover) newProgram(dir string, modules ...workspace.Module) error {
	var sums []byte
	for _, m := range modules {
		own, err := os.ReadFile(filepath.Join(p.workspace.Root, filepath.FromSlash(m.Dir), "go.sum"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		sums = append(sums, own...)
	}
	return errors.Join(
		write(dir, "go.mod", "module example.com/program\n\ngo "+modules[0].File.Go.Version+"\n"),
		write(dir, "go.sum", string(sums)),
	)
}

// build builds an example program of the repository, which may require modules that are not
// published.
func (p *Prover) build(ctx context.Context, m workspace.Module) error {
	dir, err := p.unpack(m, "build")
	if err != nil {
		return err
	}
	_, err = command(ctx, dir, p.unpublished, "go", "build", "./...")
	return err
}

// compareModules compares what a module brings along with the record: the modules whose
// packages a program links, and those that it does not link, but that it cannot have in an
// older version.
func (p *Prover) compareModules(ctx context.Context, m workspace.Module, dir string) error {
	const format = "{{with .Module}}{{.Path}} {{.Version}}{{end}}"
	platform := append(slices.Clone(p.env), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0") // that of the record
	linked, err := command(ctx, dir, platform, "go", "list", "-deps", "-f", format, m.Path()+"/...")
	if err != nil {
		return err
	}
	required, err := command(ctx, dir, p.env, "go", "mod", "graph")
	if err != nil {
		return err
	}
	modules := p.modules(linked, required)
	name := strings.ReplaceAll(m.Dir, "/", "_") + ".txt"
	if p.Update {
		return write(p.Records, name, modules)
	}
	recorded, err := os.ReadFile(filepath.Join(p.Records, name))
	if err != nil {
		return fmt.Errorf("no record of the modules; run the command prove with -update: %w", err)
	}
	if diff := lineDiff(string(recorded), modules); diff != "" {
		return fmt.Errorf("what the module brings along differs from testdata/modules/%s; "+
			"if they should be, run the command prove with -update\n%s", name, diff)
	}
	return nil
}

// modules formats what go list -deps and go mod graph print. Modules of this repository have
// no version in it.
func (p *Prover) modules(linked, required string) string {
	versions := map[string]string{}
	for line := range strings.Lines(linked) {
		if name, version, found := strings.Cut(strings.TrimSpace(line), " "); found {
			versions[name] = version
		}
	}
	raised := map[string]string{}
	for line := range strings.Lines(required) {
		by, what, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, version, _ := strings.Cut(what, "@")
		if strings.HasPrefix(by, workspace.Repository+"/") && versions[name] == "" && semver.Compare(version, raised[name]) > 0 {
			raised[name] = version
		}
	}
	return p.lines("linked", versions) + p.lines("required", raised)
}

func (p *Prover) lines(kind string, versions map[string]string) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(versions)) {
		version := versions[name]
		if strings.HasPrefix(name, workspace.Repository+"/") && version == p.workspace.Version {
			version = "(released)"
		}
		fmt.Fprintf(&text, "%s %s %s\n", kind, name, version)
	}
	return text.String()
}

func write(dir, name, text string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)
}
