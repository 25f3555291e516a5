package devserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	// stopGrace limits how long a server without [Config.StateDir] may take to end. In dev
	// mode it needs milliseconds. The self-hosted mode would wait for a queue that is deleted
	// with the server, v1.12.1 up to 30 s.
	stopGrace = time.Second
	// keepGrace is the limit for a server with [Config.StateDir]. v1.12.1 waits up to 30 s
	// for calls in progress and up to 30 s for its parts to clean up; v1.43.0 waits for calls
	// in progress without a limit (run and stop in pkg/service/service.go).
	keepGrace = 70 * time.Second
	// stateLock is the file in [Config.StateDir] that a running server holds locked.
	stateLock = "devserver.lock"
	// persistFlag makes the dev server keep its database.
	persistFlag = "--persist"
)

// checkState reports whether the executable can keep the state that the configuration wants.
func (c *Config) checkState(binary Binary, about probed) error {
	if c.StateDir == "" || c.selfHosted() || about.takes(persistFlag) {
		return nil
	}
	return fmt.Errorf("Config.StateDir is %q, but the %s cannot keep its state in dev mode; "+
		"set Config.SigningKey and Config.EventKey for the self-hosted mode, or Config.Version to %s",
		c.StateDir, binary, NewestVersion)
}

// lockState creates the directory and locks it until unlock is called. The kernel releases
// the lock when this process ends in any way.
func lockState(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating Config.StateDir: %w", err)
	}
	//nolint:gosec // G304: the caller names the directory
	f, err := os.OpenFile(filepath.Join(dir, stateLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking Config.StateDir: %w", err)
	}
	free, err := tryLock(f)
	if err == nil && !free {
		err = fmt.Errorf("another running server uses Config.StateDir %s; stop it first, or name another directory", dir)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}
