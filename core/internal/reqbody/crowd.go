package reqbody

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
)

const (
	// maxLarge is how much memory all bodies above small use together, until it is known
	// who sent them.
	maxLarge = 64 << 20
	// patience is how long a body may keep its memory while others wait for some and it
	// waits for its sender.
	patience = 5 * time.Second
	// maxWait is how long a body waits for memory in all. It is the time that
	// docs/adapters.md recommends for reading a request.
	maxWait = 20 * time.Second
	// lookEvery is how often a body that waits looks for others that have lost patience.
	lookEvery = time.Second
	// pieceSize is how much of a large body is read at a time.
	pieceSize = 32 << 10
)

// ErrCrowded is returned for a large body that other bodies have left no memory for.
var ErrCrowded = errors.New("too many large bodies arrive at the same time")

// A crowd is the bodies above small whose senders are not known yet. They share maxLarge,
// and each takes memory only as it arrives, so what strangers merely announce costs nothing.
//
// A semaphore would let a few strangers who send most of a body, and then nothing, keep the
// server's large calls out. Two rules prevent that, and a deadlock of half-read bodies:
// while others wait, a body that has made the app wait for more than patience loses its
// memory; and the oldest body need not wait.
type crowd struct {
	mu      sync.Mutex
	used    int64
	bodies  []*arrival    // the oldest first
	changed chan struct{} // closed when memory becomes free; nil if nobody waits
}

// An arrival is a large body that arrives.
type arrival struct {
	text []byte
	held int64

	since time.Time     // when the current Read began; zero between reads
	spent time.Duration // in earlier reads
	// dropped reports that the body has lost its memory.
	dropped bool
}

// pieces are buffers of pieceSize. A Read that does not return keeps one of them, and none
// of the body's own memory, which can therefore be taken away.
var pieces = sync.Pool{New: func() any { return new([pieceSize]byte) }}

// read reads the rest of a body that began with begun; see [Reader.ReadUpTo].
func (c *crowd) read(
	ctx context.Context, r io.Reader, begun []byte, length, limit int64,
) (text []byte, release func(), err error) {
	body := c.join(begun)
	defer func() {
		if text == nil { // it has failed, or Read has panicked
			c.leave(body)
		}
	}()
	piece := pieces.Get().(*[pieceSize]byte)
	for err == nil {
		err = c.readPiece(ctx, r, body, piece[:], length, limit)
	}
	pieces.Put(piece)
	if !errors.Is(err, io.EOF) {
		return nil, nothing, err
	}
	return body.text, func() { c.leave(body) }, nil
}

// readPiece appends to a body what one Read returns. The error at its end is io.EOF.
func (c *crowd) readPiece(ctx context.Context, r io.Reader, body *arrival, piece []byte, length, limit int64) error {
	if len(body.text) == cap(body.text) {
		if err := c.grow(ctx, body, length, limit); err != nil {
			return err
		}
	}
	piece = piece[:min(len(piece), cap(body.text)-len(body.text))]
	c.readBegins(body) // the text may be taken away from here on
	n, err := r.Read(piece)
	if c.readEnds(body) {
		return ErrCrowded
	}
	body.text = append(body.text, piece[:n]...)
	if int64(len(body.text)) > limit {
		return ErrTooLarge
	}
	return err
}

// grow doubles the memory of a body. It does not exceed what is still expected, and one
// more byte, which detects the end. While much is free, a body gets its announced length at
// once, which saves copying.
func (c *crowd) grow(ctx context.Context, body *arrival, length, limit int64) error {
	room := min(2*int64(cap(body.text)), limit+1)
	if length >= int64(len(body.text)) && (room > length || c.isCalm(length)) {
		room = length + 1
	}
	if err := c.take(ctx, body, room); err != nil {
		return err
	}
	old := int64(cap(body.text))
	body.text = append(make([]byte, 0, room), body.text...)
	c.giveBack(body, old)
	return nil
}

// isCalm reports whether half of the memory stays free if a body gets so much.
func (c *crowd) isCalm(bytes int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used+bytes <= maxLarge/2
}

// join adds a body, whose first bytes do not wait.
func (c *crowd) join(begun []byte) *arrival {
	body := &arrival{text: begun, held: int64(cap(begun))}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bodies = append(c.bodies, body)
	c.used += body.held
	return body
}

// leave ends what join began.
func (c *crowd) leave(body *arrival) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(body)
}

// take reserves memory for a body, and waits until there is some.
func (c *crowd) take(ctx context.Context, body *arrival, bytes int64) error {
	ctx, cancel := context.WithTimeoutCause(ctx, maxWait, ErrCrowded)
	defer cancel()
	for {
		changed := c.tryTake(body, bytes, time.Now())
		if changed == nil {
			return nil
		}
		look := time.NewTimer(lookEvery)
		select {
		case <-changed:
		case <-look.C:
		case <-ctx.Done():
			look.Stop()
			if cause := ctxerr.Cause(ctx); !errors.Is(cause, ErrCrowded) {
				return fmt.Errorf("%w: %w", ErrCrowded, cause)
			}
			return ErrCrowded
		}
		look.Stop()
	}
}

// tryTake reserves memory for a body and returns nil, or returns what is closed when memory
// becomes free.
func (c *crowd) tryTake(body *arrival, bytes int64, now time.Time) (changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.used+bytes > maxLarge && c.bodies[0] != body {
		slow := c.slow(now)
		if slow == nil {
			if c.changed == nil {
				c.changed = make(chan struct{})
			}
			return c.changed
		}
		slow.dropped, slow.text = true, nil
		c.remove(slow)
	}
	c.used += bytes
	body.held += bytes
	return nil
}

// slow returns the oldest body that waits for its sender and has done so for more than
// patience.
func (c *crowd) slow(now time.Time) *arrival {
	for _, body := range c.bodies {
		if !body.since.IsZero() && body.spent+now.Sub(body.since) > patience {
			return body
		}
	}
	return nil
}

// giveBack returns memory of a body.
func (c *crowd) giveBack(body *arrival, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used -= bytes
	body.held -= bytes
	c.wake()
}

func (c *crowd) readBegins(body *arrival) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body.since = time.Now()
}

// readEnds reports whether the body has lost its memory meanwhile.
func (c *crowd) readEnds(body *arrival) (dropped bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body.spent += time.Since(body.since)
	body.since = time.Time{}
	return body.dropped
}

// remove removes a body and frees its memory. It does nothing if that has happened.
func (c *crowd) remove(body *arrival) {
	for i, b := range c.bodies {
		if b == body {
			c.bodies = append(c.bodies[:i], c.bodies[i+1:]...)
			c.used -= body.held
			c.wake()
			return
		}
	}
}

// wake lets the bodies that wait look again.
func (c *crowd) wake() {
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}
