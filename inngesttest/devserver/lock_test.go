package devserver

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLockFileExcludes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lockFile(t.Context(), path, func() { t.Error("there is nobody to wait for") })
	require.NoError(t, err)

	waits := make(chan struct{}, 10)
	short, cancel := context.WithTimeout(t.Context(), 3*lockPoll)
	defer cancel()
	_, err = lockFile(short, path, func() { waits <- struct{}{} })
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, path)
	require.Len(t, waits, 1, "it says once that it waits")

	got := make(chan error, 1)
	go func() {
		unlock, err := lockFile(t.Context(), path, func() { waits <- struct{}{} })
		if err == nil {
			err = unlock()
		}
		got <- err
	}()
	<-waits
	<-waits // the second waiter has found the lock held
	require.NoError(t, unlock())
	select {
	case err := <-got:
		require.NoError(t, err)
	case <-time.After(10 * time.Second):
		t.Fatal("the lock was released, but the waiter did not get it")
	}
}

func TestLockFileOfAKilledProcessIsFree(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	helper, line := startHelper(t, "lock", path)
	require.Equal(t, "locked", line)
	waited := false
	ctx := testContext(t)
	unlock, err := lockFile(ctx, path, func() {
		waited = true
		_ = helper.Process.Kill()
	})
	require.NoError(t, err)
	require.True(t, waited, "the other process had it")
	require.NoError(t, unlock())
}
