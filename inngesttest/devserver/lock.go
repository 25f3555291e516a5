package devserver

import (
	"context"
	"fmt"
	"os"
	"time"
)

// lockPoll is the interval of attempts to take a held lock. The blocking calls of the
// systems cannot be interrupted when a context ends.
const lockPoll = 100 * time.Millisecond

// lockFile waits for the exclusive lock on the file at path, which it creates if missing,
// and returns a function that releases the lock. If the lock is held, it calls waiting
// once before it waits. The file is never removed, because the lock of a removed file
// would exclude nobody.
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
