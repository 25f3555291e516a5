package workspace

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
)

// Check reports everything in which the modules disagree: requirements of siblings at
// another version, replacements that users would not have, and published modules that
// require unpublished ones. The workspace builds in spite of all of them.
func (w *Workspace) Check() error {
	var mistakes []error
	for _, m := range w.Modules {
		mistakes = append(mistakes, w.checkRequirements(m), w.checkSums(m))
		for _, replace := range m.File.Replace {
			mistakes = append(mistakes, fmt.Errorf("%s/go.mod replaces %s; users would not have the replacement",
				m.Dir, replace.Old.Path))
		}
	}
	return errors.Join(append(mistakes, w.checkReplacements())...)
}

func (w *Workspace) checkRequirements(m Module) error {
	var mistakes []error
	for _, require := range m.File.Require {
		sibling, found := w.module(require.Mod.Path)
		switch {
		case !strings.HasPrefix(require.Mod.Path, Repository+"/"):
		case !found:
			mistakes = append(mistakes, fmt.Errorf("%s/go.mod requires %s, which go.work does not use", m.Dir, require.Mod.Path))
		case require.Mod.Version != w.Version:
			mistakes = append(mistakes, fmt.Errorf("%s/go.mod requires %s %s, but %s is released",
				m.Dir, sibling.Dir, require.Mod.Version, w.Version))
		case m.Published() && !sibling.Published():
			mistakes = append(mistakes, fmt.Errorf("%s/go.mod requires %s, which is not published", m.Dir, sibling.Dir))
		}
	}
	return errors.Join(mistakes...)
}

// checkSums refuses checksums of siblings: they hold only until the next change of the
// sibling.
func (w *Workspace) checkSums(m Module) error {
	sums, err := os.ReadFile(w.file(m.Dir + "/go.sum"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for line := range strings.Lines(string(sums)) {
		if strings.HasPrefix(line, Repository+"/") {
			return fmt.Errorf("%s/go.sum has a checksum of a module of this repository; run .ci/tidy: %s", m.Dir, line)
		}
	}
	return nil
}

// checkReplacements compares the replacements in go.work with the requirements: without a
// replacement, the workspace would look for a version that does not exist yet.
func (w *Workspace) checkReplacements() error {
	var mistakes []error
	var replaced []string
	for _, replace := range w.work.Replace {
		dir, ours := strings.CutPrefix(replace.Old.Path, Repository+"/")
		if !ours {
			continue
		}
		replaced = append(replaced, replace.Old.Path)
		if replace.Old.Version != w.Version || path.Clean(replace.New.Path) != dir || replace.New.Version != "" {
			mistakes = append(mistakes, fmt.Errorf("go.work replaces %s %s by %s, not %[1]s %[4]s by ./%[5]s",
				replace.Old.Path, replace.Old.Version, replace.New.Path, w.Version, dir))
		}
	}
	for _, m := range w.Modules {
		for _, sibling := range m.siblings() {
			if !slices.Contains(replaced, sibling) {
				replaced = append(replaced, sibling)
				mistakes = append(mistakes, fmt.Errorf("go.work does not replace %s, which %s/go.mod requires", sibling, m.Dir))
			}
		}
	}
	return errors.Join(mistakes...)
}
