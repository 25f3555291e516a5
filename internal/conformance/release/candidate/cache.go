package candidate

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
)

// shareCache makes a module cache in a directory that has the modules of another one, except
// those of this repository. The go command trusts its cache, so a candidate must neither be
// found there, from a run before the last change, nor stay there. Everything else need not
// be downloaded or unpacked again.
//
// Links do it: the directories above our modules are directories of the new cache, their
// other entries are links. What is downloaded below a link arrives in the cache of the machine.
func shareCache(dir, machine string) error {
	organization := path.Dir(workspace.Repository)
	host := path.Dir(organization)
	own := map[string]bool{ // true for directories, false for what is left out
		".": true, host: true, organization: false,
		"cache": true, "cache/download": true, "cache/download/" + host: true, "cache/download/" + organization: false,
	}
	for level, exists := range own {
		if !exists {
			continue
		}
		if err := os.MkdirAll(filepath.Join(dir, level), 0o755); err != nil {
			return err
		}
		entries, err := os.ReadDir(filepath.Join(machine, level))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, entry := range entries {
			name := path.Join(level, entry.Name())
			if _, known := own[name]; known || !entry.IsDir() {
				continue
			}
			if err := os.Symlink(filepath.Join(machine, name), filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}
