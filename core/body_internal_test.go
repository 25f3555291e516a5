package inngestkit

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

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
			body, err := readUpTo(r, length, 8<<20)
			require.NoError(t, err)
			require.Equal(t, text, string(body))
			require.LessOrEqual(t, r.most, 0, "size %d, length %d", size, length)
		}
		body, err := readUpTo(strings.NewReader(text), int64(size), 8<<20)
		require.NoError(t, err)
		require.LessOrEqual(t, cap(body), size+1, "a body of known length")
	}
}

func TestReadingStops(t *testing.T) {
	t.Parallel()
	over := strings.Repeat("x", 1<<20+1)
	for _, length := range []int64{-1, 1, 1 << 20, 1<<20 + 1} {
		_, err := readUpTo(strings.NewReader(over), length, 1<<20)
		require.ErrorIs(t, err, errBodyTooLarge, "length %d", length)
	}
	_, err := readUpTo(iotest.ErrReader(io.ErrClosedPipe), 1<<20+1, 1<<20)
	require.ErrorIs(t, err, errBodyTooLarge, "nothing is read")
	broken := errors.New("broken")
	_, err = readUpTo(io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken)), -1, 1<<20)
	require.ErrorIs(t, err, broken)
}
