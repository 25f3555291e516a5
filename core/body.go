package inngestkit

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/inngestkit/inngestkit/core/adapter"
)

const (
	// maxReserved is how much memory is reserved in all for bodies that are announced
	// and have not come: enough for 8 of the largest that the server sends, and not much
	// for strangers, who announce what they like.
	maxReserved = 32 << 20
	// firstRoom is what a body gets beyond that before any of it has come.
	firstRoom = 16 << 10
	// growBy is how many times as much is reserved when that is full.
	growBy = 4
)

var errBodyTooLarge = errors.New("the body is too large")

// readBody reads the whole body, up to the limit, or makes the answer to a body
// that cannot be read.
func (a *App) readBody(req *adapter.Request) ([]byte, *adapter.Response) {
	limit := a.config.MaxBodyBytes
	body, err := a.bodies.readUpTo(req.Body, req.ContentLength, limit)
	req.Body = nil // middleware may keep the request
	switch {
	case err == nil:
		return body, nil
	case errors.Is(err, errBodyTooLarge):
		return nil, a.refuseStranger(req, tooLarge, http.StatusRequestEntityTooLarge, fmt.Sprintf(
			"the body is larger than %d bytes; raise Config.MaxBodyBytes if it is right", limit))
	default:
		return nil, a.refuseStranger(req, unreadable, http.StatusBadRequest, "the body could not be read: "+err.Error())
	}
}

// bodyReader reads bodies. The zero value is ready.
type bodyReader struct{ reserved atomic.Int64 }

// readUpTo reads a body of at most limit bytes. length is what is announced, -1 if
// nothing is. What it reserves is all of that, which saves growing, as long as all
// bodies together have at most maxReserved; otherwise at most growBy times what has come.
func (b *bodyReader) readUpTo(r io.Reader, length, limit int64) ([]byte, error) {
	if r == nil {
		return nil, nil
	}
	if length > limit {
		return nil, errBodyTooLarge
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
	body := make([]byte, 0, room+1) // one more byte, in which the end shows
	for {
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return nil, errBodyTooLarge
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
