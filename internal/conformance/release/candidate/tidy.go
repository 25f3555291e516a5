package candidate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
)

// unpack writes the candidate of a module into a new directory.
func (p *Prover) unpack(m workspace.Module, purpose string) (string, error) {
	proxy := "unpublished"
	if m.Published() {
		proxy = "published"
	}
	escaped, err := module.EscapePath(m.Path())
	if err != nil {
		return "", err
	}
	archive := filepath.Join(p.dir, proxy, filepath.FromSlash(escaped), "@v", p.workspace.Version+".zip")
	dir := filepath.Join(p.dir, purpose, filepath.FromSlash(m.Dir))
	return dir, zip.Unzip(dir, module.Version{Path: m.Path(), Version: p.workspace.Version}, archive)
}

// tidy fails if go mod tidy, with the candidates as siblings, would change go.mod or go.sum.
func (p *Prover) tidy(ctx context.Context, m workspace.Module) error {
	dir, err := p.unpack(m, "tidy")
	if err != nil {
		return err
	}
	env := p.env
	if !m.Published() {
		env = p.unpublished
	}
	goMod, goSum := filepath.Join(dir, "go.mod"), filepath.Join(dir, "go.sum")
	before, err := readAll(goMod, goSum)
	if err != nil {
		return err
	}
	if _, err := command(ctx, dir, env, "go", "mod", "tidy"); err != nil {
		return err
	}
	after, err := readAll(goMod, goSum)
	if err != nil {
		return err
	}
	var changes []error
	for n, name := range []string{"go.mod", "go.sum"} {
		if diff := lineDiff(before[n], withoutOurs(after[n], name)); diff != "" {
			changes = append(changes, fmt.Errorf("%s/%s is not tidy; run .ci/tidy\n%s", m.Dir, name, diff))
		}
	}
	return errors.Join(changes...)
}

// withoutOurs removes the checksums of candidates, which no go.sum has.
func withoutOurs(text, name string) string {
	if name != "go.sum" {
		return text
	}
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, workspace.Repository+"/") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func readAll(names ...string) ([]string, error) {
	var texts []string
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(text))
	}
	return texts, nil
}

// lineDiff returns the lines that only one of two texts has, or "" if there are none.
func lineDiff(before, after string) string {
	var diff strings.Builder
	writeMissing(&diff, "-", before, after)
	writeMissing(&diff, "+", after, before)
	return diff.String()
}

func writeMissing(diff *strings.Builder, sign, from, in string) {
	present := map[string]bool{}
	for line := range strings.Lines(in) {
		present[strings.TrimSpace(line)] = true
	}
	for line := range strings.Lines(from) {
		if !present[strings.TrimSpace(line)] {
			fmt.Fprintf(diff, "%s %s\n", sign, strings.TrimSpace(line))
		}
	}
}
