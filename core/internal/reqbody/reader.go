// Package reqbody reads the bodies of requests without letting strangers reserve much
// memory.
package reqbody

import (
	"errors"
	"io"
	"sync/atomic"
)

const (
	// maxReserved is how much memory is reserved for announced bodies that have not
	// arrived yet, in total: enough for 8 of the largest that the server sends, and not
	// much for strangers, who announce what they like.
	maxReserved = 32 << 20
	// firstRoom is what each body gets in addition before any of it has arrived.
	firstRoom = 16 << 10
	// growBy is the factor by which a full buffer grows.
	growBy = 4
)

// ErrTooLarge is returned for bodies larger than the limit.
var ErrTooLarge = errors.New("the body is too large")

// Reader reads bodies and shares one budget of reserved memory among them. The zero
// value is ready to use.
type Reader struct{ reserved atomic.Int64 }

// ReadUpTo reads a body of at most limit bytes. length is its announced length, -1 if
// unknown. ReadUpTo allocates all of an announced length at once, which saves copying,
// as long as all such bodies together stay below maxReserved. Otherwise the buffer
// starts at firstRoom and grows with what has arrived.
func (b *Reader) ReadUpTo(r io.Reader, length, limit int64) ([]byte, error) {
	if r == nil {
		return nil, nil
	}
	if length > limit {
		return nil, ErrTooLarge
	}
	expected := limit
	if length >= 0 {
		expected = length
	}
	room := min(expected, firstRoom)
	if length > firstRoom {
		if b.reserved.Add(length) <= maxReserved {
			room = length
		}
		defer b.reserved.Add(-length)
	}
	body := make([]byte, 0, room+1) // one more byte, which detects the end
	for {
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return nil, ErrTooLarge
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
