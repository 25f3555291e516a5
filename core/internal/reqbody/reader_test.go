package reqbody

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// room records by how much the room that a reader is offered exceeds its share of what
// has arrived.
type room struct {
	io.Reader

	arrived, most int
}

func (r *room) Read(p []byte) (int, error) {
	r.most = max(r.most, len(p)+r.arrived-max(firstRoom+1, growBy*r.arrived))
	n, err := r.Reader.Read(p[:min(len(p), 1000)])
	r.arrived += n
	return n, err
}

// Once the budget is used up, the reserved memory is in proportion to what has arrived,
// whatever length is announced.
func TestReadUpToReservesLittle(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, firstRoom - 1, firstRoom, firstRoom + 1, 1 << 20} {
		text := strings.Repeat("x", size)
		for _, length := range []int64{-1, int64(size), int64(size) + 1, 8 << 20} {
			r := &room{Reader: strings.NewReader(text)}
			b := Reader{}
			b.reserved.Store(maxReserved) // by other bodies
			body, release, err := b.ReadUpTo(t.Context(), r, length, 8<<20)
			require.NoError(t, err)
			require.Equal(t, text, string(body))
			require.LessOrEqual(t, r.most, 0, "size %d, length %d", size, length)
			require.EqualValues(t, maxReserved, b.reserved.Load())
			release()
			require.Zero(t, b.large.used)
		}
		var b Reader
		body, release, err := b.ReadUpTo(t.Context(), strings.NewReader(text), int64(size), 8<<20)
		require.NoError(t, err)
		require.LessOrEqual(t, cap(body), size+1, "a body of known length")
		release()
		require.Zero(t, b.reserved.Load())
	}
}

// Bodies that have not arrived share one budget of reserved memory.
func TestReadUpToSharesTheBudget(t *testing.T) {
	t.Parallel()
	var b Reader
	const each = small
	for i := range int64(maxReserved/each + 1) {
		asked := make(chan int)
		r, w := io.Pipe()
		read := make(chan error, 1)
		go func() {
			_, _, err := b.ReadUpTo(t.Context(), asking{r, asked}, each, each)
			read <- err
		}()
		if i < maxReserved/each {
			require.Equal(t, each+1, <-asked)
		} else {
			require.Equal(t, firstRoom+1, <-asked)
		}
		t.Cleanup(func() {
			require.NoError(t, w.Close())
			require.NoError(t, <-read)
		})
	}
}

// asking reports how many bytes the first Read requests.
type asking struct {
	io.Reader

	asked chan<- int
}

func (a asking) Read(p []byte) (int, error) {
	select {
	case a.asked <- len(p):
	case <-time.After(time.Minute): // the test has ended
	}
	return a.Reader.Read(p)
}

func TestReadUpToStopsAtTheLimit(t *testing.T) {
	t.Parallel()
	b := &Reader{}
	over := strings.Repeat("x", 1<<20+1)
	for _, length := range []int64{-1, 1, 1 << 20, 1<<20 + 1} {
		_, _, err := b.ReadUpTo(t.Context(), strings.NewReader(over), length, 1<<20)
		require.ErrorIs(t, err, ErrTooLarge, "length %d", length)
	}
	_, _, err := b.ReadUpTo(t.Context(), iotest.ErrReader(io.ErrClosedPipe), 1<<20+1, 1<<20)
	require.ErrorIs(t, err, ErrTooLarge, "nothing is read")
	broken := errors.New("broken")
	_, _, err = b.ReadUpTo(t.Context(), io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken)), -1, 1<<20)
	require.ErrorIs(t, err, broken)
}
