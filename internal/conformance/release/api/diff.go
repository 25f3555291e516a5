package api

import (
	"bytes"
	"errors"
	"fmt"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/exp/apidiff"
	"golang.org/x/tools/go/gcexportdata"

	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
)

const (
	// separator is between an allowed change and its reason.
	separator = " -- "

	allowedHeader = `# Changes since the last release that break programs, and the reasons. The command check
# prints them in this form; write the reason after the two hyphens:
#
#     core: (*App).Send: removed -- nobody could call it
`
)

// A Record is a directory with the API of the last release, and with the changes since then
// that are allowed to break programs.
type Record string

// RecordOf returns the record of a workspace.
func RecordOf(w *workspace.Workspace) Record {
	return Record(filepath.Join(w.Root, "internal", "conformance", "release", "api", "testdata"))
}

// Write records packages as those of a release, after which no change is allowed.
func (r Record) Write(packages []*types.Package) error {
	var exported bytes.Buffer
	// Without a file set, the record has no names of files.
	if err := gcexportdata.WriteBundle(&exported, token.NewFileSet(), packages); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(r.exported(), exported.Bytes(), 0o644),
		os.WriteFile(r.allowed(), []byte(allowedHeader), 0o644),
	)
}

// Check reports the changes since the last release that break programs and are not allowed,
// and the allowed ones that do not exist.
func (r Record) Check(modules []workspace.Module, packages []*types.Package) error {
	allowed, err := r.readAllowed()
	if err != nil {
		return err
	}
	changes, err := r.changes(modules, packages, false)
	if err != nil {
		return err
	}
	var mistakes []error
	for _, change := range changes {
		if !slices.Contains(allowed, change) {
			mistakes = append(mistakes, errors.New(change))
		}
	}
	for _, change := range allowed {
		if !slices.Contains(changes, change) {
			mistakes = append(mistakes, errors.New("allowed.txt allows a change that was not made: "+change))
		}
	}
	if len(mistakes) > 0 {
		return fmt.Errorf("the API differs from that of the last release, see %s:\n%w", r.allowed(), errors.Join(mistakes...))
	}
	return nil
}

// CheckCurrent reports every change since the API was recorded.
func (r Record) CheckCurrent(modules []workspace.Module, packages []*types.Package) error {
	breaking, err := r.changes(modules, packages, false)
	if err != nil {
		return err
	}
	others, err := r.changes(modules, packages, true)
	if err != nil {
		return err
	}
	if changes := slices.Concat(breaking, others); len(changes) > 0 {
		return errors.New("the API has changed since it was recorded; run the command bump:\n" + strings.Join(changes, "\n"))
	}
	return nil
}

func (r Record) exported() string { return filepath.Join(string(r), "api.export") }
func (r Record) allowed() string  { return filepath.Join(string(r), "allowed.txt") }

// changes returns the changes of all modules since the record, each as one line.
func (r Record) changes(modules []workspace.Module, packages []*types.Package, compatible bool) ([]string, error) {
	exported, err := os.ReadFile(r.exported())
	if err != nil {
		return nil, err
	}
	recorded, err := gcexportdata.ReadBundle(bytes.NewReader(exported), token.NewFileSet(), map[string]*types.Package{})
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, m := range modules {
		report := apidiff.ModuleChanges(moduleOf(m, recorded), moduleOf(m, packages))
		for _, change := range report.Changes {
			if change.Compatible == compatible {
				lines = append(lines, m.Dir+": "+strings.ReplaceAll(change.Message, prefix, ""))
			}
		}
	}
	slices.Sort(lines)
	return lines, nil
}

func moduleOf(m workspace.Module, packages []*types.Package) *apidiff.Module {
	module := &apidiff.Module{Path: m.Path()}
	for _, p := range packages {
		if p.Path() == m.Path() || strings.HasPrefix(p.Path(), m.Path()+"/") {
			module.Packages = append(module.Packages, p)
		}
	}
	return module
}

func (r Record) readAllowed() ([]string, error) {
	text, err := os.ReadFile(r.allowed())
	if err != nil {
		return nil, err
	}
	var changes []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		change, reason, _ := strings.Cut(line, separator)
		if strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("%s: no reason, after two hyphens, for: %s", r.allowed(), change)
		}
		changes = append(changes, change)
	}
	return changes, nil
}
