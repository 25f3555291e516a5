package inngestkit

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

// room notes how much room a reader is offered, in proportion to what it has given.
type room struct {
	io.Reader

	came, most int
}

func (r *room) Read(p []byte) (int, error) {
	r.most = max(r.most, len(p)+r.came-max(firstRoom+1, growBy*r.came))
	n, err := r.Reader.Read(p[:min(len(p), 1000)])
	r.came += n
	return n, err
}

// What is reserved is in proportion to what has come, whatever is announced.
func TestReadingReservesLittle(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, firstRoom - 1, firstRoom, firstRoom + 1, 1 << 20} {
		text := strings.Repeat("x", size)
		for _, length := range []int64{-1, int64(size), int64(size) + 1, 8 << 20} {
			r := &room{Reader: strings.NewReader(text)}
			b := bodyReader{}
			b.reserved.Store(maxReserved) // by others
			body, err := b.readUpTo(r, length, 8<<20)
			require.NoError(t, err)
			require.Equal(t, text, string(body))
			require.LessOrEqual(t, r.most, 0, "size %d, length %d", size, length)
			require.EqualValues(t, maxReserved, b.reserved.Load())
		}
		var b bodyReader
		body, err := b.readUpTo(strings.NewReader(text), int64(size), 8<<20)
		require.NoError(t, err)
		require.LessOrEqual(t, cap(body), size+1, "a body of known length")
		require.Zero(t, b.reserved.Load())
	}
}

// Bodies of which nothing has come have a bounded share of the memory.
func TestReadingSharesWhatIsReserved(t *testing.T) {
	t.Parallel()
	var b bodyReader
	const each = 8 << 20
	for i := range int64(maxReserved/each + 1) {
		asked := make(chan int)
		r, w := io.Pipe()
		read := make(chan error, 1)
		go func() {
			_, err := b.readUpTo(asking{r, asked}, each, each)
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

// asking tells how many bytes are asked for first.
type asking struct {
	io.Reader

	asked chan<- int
}

func (a asking) Read(p []byte) (int, error) {
	select {
	case a.asked <- len(p):
	case <-time.After(time.Minute): // nobody wants to know any more
	}
	return a.Reader.Read(p)
}

func TestReadingStops(t *testing.T) {
	t.Parallel()
	b := &bodyReader{}
	over := strings.Repeat("x", 1<<20+1)
	for _, length := range []int64{-1, 1, 1 << 20, 1<<20 + 1} {
		_, err := b.readUpTo(strings.NewReader(over), length, 1<<20)
		require.ErrorIs(t, err, errBodyTooLarge, "length %d", length)
	}
	_, err := b.readUpTo(iotest.ErrReader(io.ErrClosedPipe), 1<<20+1, 1<<20)
	require.ErrorIs(t, err, errBodyTooLarge, "nothing is read")
	broken := errors.New("broken")
	_, err = b.readUpTo(io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken)), -1, 1<<20)
	require.ErrorIs(t, err, broken)
}
