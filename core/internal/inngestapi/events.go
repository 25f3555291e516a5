package inngestapi

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/httpclient"
)

// Limits of the event API, from the server's source (pkg/consts and pkg/api).
const (
	// MaxEventBytes is the size of the largest event as JSON that the server accepts on
	// any plan (AbsoluteMaxEventSize). The limit of a plan may be lower.
	MaxEventBytes = 3 << 20
	// maxRequestEvents is the number of events in one request above which the server
	// refuses the rest (MaxEvents).
	maxRequestEvents = 5_000
	// maxRequestBytes is the size above which a request with several events is split. The
	// server's /e/ accepts more, but its newer API limits the body to AbsoluteMaxEventSize
	// (pkg/api/v2), and the documented limits are about the size of the request.
	maxRequestBytes = MaxEventBytes
)

// Events are events to send, as the bodies of the requests that they need.
type Events struct {
	batches []batch
	rest    int // bytes of the events that are still to come
}

// A batch is the events of one request.
type batch struct {
	body  []byte // a JSON array without its end
	count int
}

// NewEvents returns an empty Events with room for events of about size bytes.
func NewEvents(size int) *Events { return &Events{rest: size} }

// Add adds an event, and returns its JSON, which is that of the parts one after another.
func (e *Events) Add(parts ...[]byte) []byte {
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	b := e.batchFor(size)
	b.body = append(b.body, "[,"[min(b.count, 1)])
	begin := len(b.body)
	for _, part := range parts {
		b.body = append(b.body, part...)
	}
	b.count++
	return b.body[begin:len(b.body):len(b.body)]
}

// batchFor returns the batch for an event of size bytes.
func (e *Events) batchFor(size int) *batch {
	if n := len(e.batches); n > 0 {
		last := &e.batches[n-1]
		if last.count < maxRequestEvents && len(last.body)+len(",")+size+len("]") <= maxRequestBytes {
			return last
		}
		e.rest -= len(last.body)
	}
	room := max(size, min(e.rest, maxRequestBytes)) + len("[]")
	e.batches = append(e.batches, batch{body: make([]byte, 0, room)})
	return &e.batches[len(e.batches)-1]
}

// SendEvents sends events in as many requests as they need, one after another, and stops at
// the first that fails. It returns the IDs of the events that the server accepted, from the
// first on, and, if it fails, the number of events after those that the server may have
// accepted too.
func (c *Client) SendEvents(ctx context.Context, events *Events) (ids []string, uncertain int, failure *Error) {
	for _, b := range events.batches {
		var sent []string
		sent, uncertain, failure = c.sendBatch(ctx, b)
		ids = append(ids, sent...)
		if failure != nil {
			break
		}
	}
	return ids, uncertain, failure
}

// sendBatch sends the events of one request. The server derives their IDs from the seed and
// their place in the request, so a retry with the same seed makes no second events, and
// another batch needs another seed.
func (c *Client) sendBatch(ctx context.Context, b batch) (ids []string, uncertain int, failure *Error) {
	r := request{
		method: http.MethodPost, to: c.events, path: c.eventPath, shown: "/e/<event key>", body: append(b.body, ']'),
		header: http.Header{"X-Inngest-Event-Id-Seed": {newSeed()}}, limit: maxResponseBytes,
	}
	resp := doWithRetry(ctx, 0, func() response {
		resp := c.do(ctx, r, "")
		c.logUnreachable(r, resp)
		return resp
	})

	var accepted struct {
		IDs   []string `json:"ids"`
		Error string   `json:"error"`
	}
	isInngest := json.Unmarshal(resp.body, &accepted) == nil
	ids = acceptedIDs(accepted.IDs, b.count)
	if resp.ok() && len(ids) == b.count {
		return ids, 0, nil
	}
	failure = &Error{
		Status: resp.status, Message: c.secrets.Text(accepted.Error), FromInngest: accepted.Error != "",
		RetryAfter: resp.retryAfter, Uncertain: resp.uncertain, Err: resp.err,
		Cure: c.cure(r, resp, accepted.Error != ""),
	}
	switch {
	case !resp.ok():
	case !isInngest:
		failure.Message, failure.Uncertain = notInngest, true
	default:
		failure.Message = fmt.Sprintf("the server took %d of %d events", len(ids), b.count)
	}
	// A response that lists the accepted events also covers the attempts before it: they
	// were the same request.
	if isInngest && (resp.ok() || resp.status == http.StatusBadRequest) {
		failure.Uncertain = false
	}
	if failure.Uncertain {
		uncertain = b.count - len(ids)
	}
	return ids, uncertain, failure
}

// logUnreachable logs once that nothing listens at the server's URL: the retries take so long
// that the program seems to hang.
func (c *Client) logUnreachable(r request, resp response) {
	if !httpclient.NeverSent(resp.err) {
		if resp.status != 0 {
			c.unreachable.Store(false)
		}
		return
	}
	if c.unreachable.CompareAndSwap(false, true) {
		c.logger.Warn("inngest: events are not sent yet: nothing listens at the server's URL; retrying for up to "+
			maxTime.String()+"; "+c.startServer(r.to), "error", resp.err)
	}
}

// acceptedIDs returns the IDs of the events that the server accepted. The server lists them
// up to the one it refused, and an empty ID if it refused the first.
func acceptedIDs(ids []string, sent int) []string {
	if i := slices.Index(ids, ""); i >= 0 {
		ids = ids[:i]
	}
	return ids[:min(len(ids), sent)]
}

// seedEntropy is the length in bytes of the random part of a seed, which the server fixes.
const seedEntropy = 10

// newSeed returns a value from which the server derives the IDs of events.
func newSeed() string {
	entropy := make([]byte, seedEntropy)
	_, _ = rand.Read(entropy) // never fails; see its documentation
	return strconv.FormatInt(time.Now().UnixMilli(), 10) + "," + base64.StdEncoding.EncodeToString(entropy)
}
