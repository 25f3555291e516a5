package inngesttest

import (
	"context"
	"fmt"
	"os"
	"time"
)

// lockPoll is how often a held lock is tried again. The systems' blocking calls
// cannot be given up when a context ends.
const lockPoll = 100 * time.Millisecond

// lockFile waits for the exclusive lock on the file at path, which it creates
// when missing, and returns the function that gives the lock back. It calls
// waiting once, before it waits, if somebody else holds the lock. The file is
// never removed: a process that waits on a removed file would share its lock
// with nobody.
func lockFile(ctx context.Context, path string, waiting func()) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // G304: the path is ours, in the cache directory
	if err != nil {
		return nil, err
	}
	retry := time.NewTicker(lockPoll)
	defer retry.Stop()
	for first := true; ; first = false {
		ok, err := tryLock(f)
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		if ok {
			return f.Close, nil
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("waiting for the lock %s: %w", path, context.Cause(ctx))
		case <-retry.C:
		}
	}
}
