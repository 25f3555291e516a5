package reqbody

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// sent is a body whose sender sends a piece, waits, and sends the next one. After all of it
// the sender hangs, until the test ends, if hang is set.
type sent struct {
	text *strings.Reader
	wait time.Duration
	hang <-chan struct{}
}

var fourMiB = strings.Repeat("x", 4<<20)

// send sends a body of up to 4 MiB.
func send(size int) *sent {
	return &sent{text: strings.NewReader(fourMiB[:size]), wait: time.Millisecond}
}

func (s *sent) Read(p []byte) (int, error) {
	time.Sleep(s.wait)
	n, err := s.text.Read(p)
	if err != nil && s.hang != nil {
		<-s.hang
		return 0, io.ErrClosedPipe
	}
	return n, err
}

// strangers makes bodies arrive until they have used up the shared memory, and hang.
func strangers(t *testing.T, b *Reader) {
	t.Helper()
	hang := make(chan struct{})
	var all sync.WaitGroup
	t.Cleanup(func() {
		close(hang)
		all.Wait()
	})
	for range 15 {
		body := send(4 << 20)
		body.hang = hang
		all.Go(func() { _, _, _ = b.ReadUpTo(t.Context(), body, 4<<20+1, 8<<20) })
	}
	time.Sleep(time.Second)
	require.Greater(t, used(b), int64(maxLarge-6<<20), "the strangers use little")
	require.LessOrEqual(t, used(b), int64(maxLarge))
}

func used(b *Reader) int64 {
	b.large.mu.Lock()
	defer b.large.mu.Unlock()
	return b.large.used
}

// Strangers who send most of their bodies, and then nothing, keep a large call out only for
// a time.
func TestStrangersWhoHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b Reader
		strangers(t, &b)
		begun := time.Now()
		body, release, err := b.ReadUpTo(t.Context(), send(4<<20), 4<<20, 8<<20)
		require.NoError(t, err)
		require.Len(t, body, 4<<20)
		require.Positive(t, time.Since(begun).Round(time.Second), "it did not wait: the strangers use too little")
		require.LessOrEqual(t, time.Since(begun), patience+lookEvery)
		release()
	})
}

// Small bodies do not wait for large ones.
func TestSmallBodiesDoNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b Reader
		strangers(t, &b)
		begun := time.Now()
		for _, length := range []int64{-1, small} {
			body, release, err := b.ReadUpTo(t.Context(), strings.NewReader(strings.Repeat("x", small)), length, 8<<20)
			require.NoError(t, err)
			require.Len(t, body, small)
			release()
		}
		require.Zero(t, time.Since(begun))
	})
}

// The oldest body does not wait, so there is always one that arrives when the memory is used
// up by bodies of which only a part has.
func TestOldestBodyDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b Reader
		oldest, other := b.large.join(nil), b.large.join(nil)
		oldest.held, other.held, b.large.used = maxLarge/2, maxLarge/2, maxLarge
		begun := time.Now()
		require.NoError(t, b.large.take(t.Context(), oldest, 8<<20))
		require.Zero(t, time.Since(begun))
		require.ErrorIs(t, b.large.take(t.Context(), other, 8<<20), ErrCrowded)
	})
}

// Many large bodies at a time wait for each other, and none fails.
func TestLargeBodiesWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b Reader
		const bodies = 100
		results := make(chan error, bodies)
		for range bodies {
			go func() {
				body, release, err := b.ReadUpTo(t.Context(), send(4<<20), -1, 8<<20)
				if err == nil && len(body) != 4<<20 {
					err = errors.New("a part is missing")
				}
				time.Sleep(time.Millisecond) // verifies
				release()
				results <- err
			}()
		}
		for range bodies {
			require.NoError(t, <-results)
			require.LessOrEqual(t, used(&b), int64(maxLarge+8<<20))
		}
		require.Zero(t, used(&b))
	})
}

// A wait for memory ends after a time, or with its context.
func TestWaitsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b Reader
		b.large.join(nil).held = maxLarge // it neither reads nor leaves
		b.large.used = maxLarge
		begun := time.Now()
		_, _, err := b.ReadUpTo(t.Context(), send(1<<20), -1, 8<<20)
		require.ErrorIs(t, err, ErrCrowded)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, maxWait, time.Since(begun).Round(time.Second))

		timeout := errors.New("the platform's timeout")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, timeout)
		defer cancel()
		_, _, err = b.ReadUpTo(ctx, send(1<<20), -1, 8<<20)
		require.ErrorIs(t, err, ErrCrowded)
		require.ErrorIs(t, err, timeout)
		require.EqualValues(t, maxLarge, used(&b))
	})
}

// A body that fails leaves no memory in use, and neither does one whose Read panics.
func TestFailuresReleaseMemory(t *testing.T) {
	t.Parallel()
	var b Reader
	broken := errors.New("broken")
	begun := strings.Repeat("x", 1<<20)
	_, _, err := b.ReadUpTo(t.Context(), io.MultiReader(strings.NewReader(begun), iotest.ErrReader(broken)), -1, 8<<20)
	require.ErrorIs(t, err, broken)
	_, _, err = b.ReadUpTo(t.Context(), strings.NewReader(begun), -1, 1<<20-1)
	require.ErrorIs(t, err, ErrTooLarge)
	require.Panics(t, func() {
		_, _, _ = b.ReadUpTo(t.Context(), io.MultiReader(strings.NewReader(begun), panicking{}), -1, 8<<20)
	})
	require.Zero(t, used(&b))
	require.Empty(t, b.large.bodies)
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("a defect of the framework") }
