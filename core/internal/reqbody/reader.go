// Package reqbody reads the bodies of requests without letting strangers use much memory.
package reqbody

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
)

const (
	// small is the size up to which bodies never wait. Most calls are far smaller.
	small = 256 << 10
	// maxReserved is how much memory is reserved for announced bodies that have not
	// arrived yet, in total. Strangers announce what they like.
	maxReserved = 32 << 20
	// firstRoom is what each body gets in addition before any of it has arrived.
	firstRoom = 16 << 10
	// growBy is the factor by which a full buffer grows up to small.
	growBy = 4
)

// ErrTooLarge is returned for bodies larger than the limit.
var ErrTooLarge = errors.New("the body is too large")

// Reader reads bodies and limits the memory that they use together. The zero value is ready
// to use.
type Reader struct {
	reserved atomic.Int64
	large    crowd
}

// ReadUpTo reads a body of at most limit bytes. length is its announced length, -1 if
// unknown. The caller must call release once it knows who sent the body, or has no more use
// for it: until then a body above 256 KiB counts against the 64 MiB that such bodies share.
// While they are used up, ReadUpTo waits. It fails with [ErrCrowded] after 20 s or when ctx
// ends, or if its sender keeps others waiting.
func (b *Reader) ReadUpTo(ctx context.Context, r io.Reader, length, limit int64) (body []byte, release func(), err error) {
	if r == nil {
		return nil, nothing, nil
	}
	if length > limit {
		return nil, nothing, ErrTooLarge
	}
	body, err = b.readSmall(r, length, min(limit, small))
	switch {
	case err == nil:
		return body, nothing, nil
	case errors.Is(err, ErrTooLarge) && limit > small:
		return b.large.read(ctx, r, body, length, limit)
	default:
		return nil, nothing, err
	}
}

func nothing() {}

// readSmall reads a body of at most limit bytes. If it is larger, readSmall returns its
// first bytes and ErrTooLarge. It allocates all of an announced length at once, which saves
// copying, as long as all such bodies together stay below maxReserved. Otherwise the buffer
// starts at firstRoom and grows with what has arrived.
func (b *Reader) readSmall(r io.Reader, length, limit int64) ([]byte, error) {
	expected := limit
	if length >= 0 {
		expected = min(length, limit)
	}
	room := min(expected, firstRoom)
	if length > firstRoom {
		if b.reserved.Add(expected) <= maxReserved {
			room = expected
		}
		defer b.reserved.Add(-expected)
	}
	body := make([]byte, 0, room+1) // one more byte, which detects the end
	for {
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return body, ErrTooLarge // a large body's error comes again with the next Read
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return nil, err
		case len(body) == cap(body):
			room := int64(cap(body)) * growBy
			if int64(cap(body)) <= expected {
				room = min(room, expected+1)
			}
			body = append(make([]byte, 0, min(room, limit+1)), body...)
		}
	}
}
