package inngestkit

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/internal/datacheck"
)

const (
	// seedEntropy is the length of a seed's random part; the server wants it.
	seedEntropy = 10
	// maxAnswerBytes bounds what is read of the server's answer. 5,000 IDs take
	// 150 KB.
	maxAnswerBytes = 1 << 20
)

// sender sends events to the event API.
type sender struct {
	config Config
	// away is set while nothing listens at the server's URL, which is logged once.
	away atomic.Bool
	// url ends with the event key and must not be shown.
	url     string
	checker *datacheck.Checker
}

func newSender(config Config, checker *datacheck.Checker) *sender {
	return &sender{
		config: config, checker: checker,
		url: config.EventAPIBaseURL + "/e/" + url.PathEscape(config.eventKey()),
	}
}

// devEventKey is sent where no key is needed; the path of the API wants one.
const devEventKey = "NO_EVENT_KEY_SET"

func (c Config) eventKey() string {
	if c.EventKey == "" && c.Dev {
		return devEventKey
	}
	return string(c.EventKey)
}

// send sends events in as many requests as they need, one after the other, and
// stops at the first that fails.
func (s *sender) send(ctx context.Context, events []AnyEvent) ([]string, error) {
	if len(events) == 0 {
		return nil, nil
	}
	if s.config.eventKey() == "" {
		return nil, errors.New("inngestkit: send: EventKey (INNGEST_EVENT_KEY) is missing; sending to Inngest Cloud needs it")
	}
	encoded, err := s.encodeEvents(ctx, events)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(encoded))
	for len(encoded) > 0 {
		n := fitting(encoded)
		sent, err := s.sendRequest(ctx, encoded[:n])
		ids = append(ids, sent...)
		if err != nil {
			err.IDs, err.total = slices.Clone(ids), len(events)
			return ids, err
		}
		encoded = encoded[n:]
	}
	return ids, nil
}

// sendRequest sends the events of one request, and returns the IDs of those that
// the server took: the first ones, if not all.
func (s *sender) sendRequest(ctx context.Context, events [][]byte) ([]string, *SendError) {
	// The server derives the events' IDs from the seed and the place in the
	// request: the same request sent again makes the same events, and another
	// request needs another seed.
	seed := newSeed()
	out := outgoing{
		method: http.MethodPost,
		url:    s.url,
		body:   requestBody(events),
		header: func(h http.Header) { h.Set(inngestgo.HeaderKeyEventIDSeed, seed) },
		limit:  maxAnswerBytes,
	}
	o := persist(ctx, 0, func() outcome {
		o := s.config.try(ctx, out)
		s.notice(o)
		return o
	})

	var answer struct {
		IDs   []string `json:"ids"`
		Error string   `json:"error"`
	}
	isInngest := json.Unmarshal(o.body, &answer) == nil
	ids := takenIDs(answer.IDs, len(events))
	if o.ok() && len(ids) == len(events) {
		return ids, nil
	}
	err := &SendError{Status: o.status, Message: answer.Error, RetryAfter: o.retryAfter, Err: o.err}
	switch {
	case neverSent(o.err):
		err.cure = s.config.unreached(s.config.EventAPIBaseURL)
	case isForeign(o.status, answer.Error != ""):
		err.cure = foreign(s.config.EventAPIBaseURL, "POST /e/<event key>", o.status)
	case !o.ok():
	case !isInngest:
		err.Message, o.lost = notInngest, true
	default:
		err.Message = fmt.Sprintf("the server took %d of %d events", len(ids), len(events))
	}
	// Such an answer counts for what tries before it did, too: they were the same
	// request.
	tellsAll := isInngest && (o.ok() || o.status == http.StatusBadRequest)
	if o.lost && !tellsAll {
		err.Uncertain = len(events) - len(ids)
	}
	return ids, err
}

// notice logs when a request finds that nothing listens at the server's URL: it is tried
// for so long that the program seems to hang.
func (s *sender) notice(o outcome) {
	if !neverSent(o.err) {
		if o.status != 0 {
			s.away.Store(false)
		}
		return
	}
	if s.away.CompareAndSwap(false, true) {
		s.config.Logger.Warn("inngest: events are not sent yet: nothing listens at the server's URL; trying again for up to "+
			maxTime.String()+"; "+s.config.unreached(s.config.EventAPIBaseURL), "error", o.err)
	}
}

// takenIDs is the IDs of the events the server took. It lists them up to the one
// it refused, and an empty ID if it refused the first.
func takenIDs(ids []string, sent int) []string {
	if i := slices.Index(ids, ""); i >= 0 {
		ids = ids[:i]
	}
	return ids[:min(len(ids), sent)]
}

// newSeed makes the value from which the server derives the events' IDs.
func newSeed() string {
	entropy := make([]byte, seedEntropy)
	_, _ = rand.Read(entropy) // never fails; see its documentation
	return strconv.FormatInt(time.Now().UnixMilli(), 10) + "," + base64.StdEncoding.EncodeToString(entropy)
}
