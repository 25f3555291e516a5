package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

const (
	changelog  = "CHANGELOG.md"
	unreleased = "## [Unreleased]\n"
)

// Bump writes a version to every place that has one: the constant of the core, the
// requirements in each go.mod, the replacements in go.work, and the changelog, in which the
// unreleased changes become those of this version. The version may be the present one, for
// the first release.
func (w *Workspace) Bump(version string, day time.Time) error {
	if !semver.IsValid(version) || semver.Canonical(version) != version {
		return fmt.Errorf("%q is not a version such as v1.2.3", version)
	}
	if major := semver.Major(version); major != "v0" && major != "v1" {
		return fmt.Errorf("from v2 on, the paths of the modules end in /%s; this program does not change them", major)
	}
	if semver.Compare(version, w.Version) < 0 {
		return fmt.Errorf("%s is older than %s, the present version", version, w.Version)
	}
	if err := w.bumpChangelog(version, day); err != nil {
		return err
	}
	source, err := os.ReadFile(w.file(versionFile))
	if err != nil {
		return err
	}
	constant := fmt.Appendf(nil, "const Version = %q", strings.TrimPrefix(version, "v"))
	if err := w.write(versionFile, versionConstant.ReplaceAll(source, constant)); err != nil {
		return err
	}
	for _, m := range w.Modules {
		if err := w.bumpModule(m, version); err != nil {
			return err
		}
	}
	for _, replace := range w.work.Replace {
		if strings.HasPrefix(replace.Old.Path, Repository+"/") {
			tokens := replace.Syntax.Token
			tokens[slices.Index(tokens, replace.Old.Version)] = version
			replace.Old.Version = version
		}
	}
	w.Version = version
	return w.write("go.work", modfile.Format(w.work.Syntax))
}

// bumpModule changes the requirements in one go.mod.
func (w *Workspace) bumpModule(m Module, version string) error {
	for _, sibling := range m.siblings() {
		if err := m.File.AddRequire(sibling, version); err != nil {
			return err
		}
	}
	text, err := m.File.Format()
	if err != nil {
		return err
	}
	return w.write(m.Dir+"/go.mod", text)
}

// bumpChangelog inserts the heading of the version below that of unreleased changes, unless
// the page has it already.
func (w *Workspace) bumpChangelog(version string, day time.Time) error {
	page, err := os.ReadFile(w.file(changelog))
	if err != nil {
		return err
	}
	if bytes.Contains(page, heading(version)) {
		return nil
	}
	before, after, found := bytes.Cut(page, []byte(unreleased))
	if !found {
		return errors.New(changelog + " has no heading [Unreleased]")
	}
	dated := fmt.Appendf(nil, "%s - %s\n", heading(version), day.Format(time.DateOnly))
	return w.write(changelog, slices.Concat(before, []byte(unreleased+"\n"), dated, after))
}

// CheckChangelog reports what the changelog lacks for a release: the heading of the version,
// with entries, and no entries that are unreleased.
func (w *Workspace) CheckChangelog() error {
	page, err := os.ReadFile(w.file(changelog))
	if err != nil {
		return err
	}
	_, after, found := bytes.Cut(page, []byte(unreleased))
	if !found {
		return errors.New(changelog + " has no heading [Unreleased]")
	}
	pending, after, _ := bytes.Cut(after, []byte("\n## ["))
	if len(bytes.TrimSpace(pending)) > 0 {
		return errors.New(changelog + " has entries below [Unreleased]; run the command bump")
	}
	if next := append([]byte("## ["), after...); !bytes.HasPrefix(next, heading(w.Version)) {
		return fmt.Errorf("%s has no heading for %s below [Unreleased]; run the command bump", changelog, w.Version)
	}
	_, entries, _ := bytes.Cut(after, []byte("\n"))
	entries, _, _ = bytes.Cut(entries, []byte("\n## ["))
	if len(bytes.TrimSpace(entries)) == 0 {
		return fmt.Errorf("%s has no entries for %s", changelog, w.Version)
	}
	return nil
}

func heading(version string) []byte {
	return []byte("## [" + strings.TrimPrefix(version, "v") + "]")
}

func (w *Workspace) write(name string, text []byte) error {
	return os.WriteFile(w.file(name), text, 0o644)
}
