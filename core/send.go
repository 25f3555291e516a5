package inngestkit

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
)

// Waiting between the tries of a send.
const (
	sendFirstWait = 100 * time.Millisecond
	sendMaxWait   = 5 * time.Second
	sendMaxTime   = 30 * time.Second
	// seedEntropy is the length of a seed's random part; the server wants it.
	seedEntropy = 10
	// maxAnswerBytes bounds what is read of the server's answer.
	maxAnswerBytes = 1 << 20
)

// SendError is what [App.Send] returns if the server refused the events or could
// not be reached.
type SendError struct {
	// Status is the server's last HTTP status, 0 if it did not answer.
	Status int
	// Message is the server's explanation, if it gave one.
	Message string
	// IDs are those of the events, from the first on, that the server took before
	// it refused one. The others were not sent.
	IDs []string
	// Err is the network error or the end of the context, if that was the cause.
	Err error
}

// Error implements error.
func (e *SendError) Error() string {
	var b strings.Builder
	b.WriteString("inngestkit: send: the events were not sent")
	if len(e.IDs) > 0 {
		fmt.Fprintf(&b, ", but for the first %d", len(e.IDs))
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, ": the server answered %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden {
		b.WriteString("; check EventKey (INNGEST_EVENT_KEY)")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns Err.
func (e *SendError) Unwrap() error { return e.Err }

// sender sends events to the event API.
type sender struct {
	config Config
	// url ends with the event key and must not be shown.
	url string
}

func newSender(config Config) *sender {
	return &sender{config: config, url: config.EventAPIBaseURL + "/e/" + url.PathEscape(config.eventKey())}
}

// devEventKey is sent where no key is needed; the path of the API wants one.
const devEventKey = "NO_EVENT_KEY_SET"

func (c Config) eventKey() string {
	if c.EventKey == "" && c.Dev {
		return devEventKey
	}
	return string(c.EventKey)
}

func (s *sender) send(ctx context.Context, events []AnyEvent) ([]string, error) {
	if len(events) == 0 {
		return nil, nil
	}
	if s.config.eventKey() == "" {
		return nil, errors.New("inngestkit: send: EventKey (INNGEST_EVENT_KEY) is missing; sending to Inngest Cloud needs it")
	}
	body, err := encodeEvents(events)
	if err != nil {
		return nil, err
	}
	seed := newSeed()
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = sendFirstWait, sendMaxWait
	var last SendError
	ids, err := backoff.Retry(ctx, func() ([]string, error) {
		ids, err := s.post(ctx, body, seed)
		if sendErr, ok := errors.AsType[*SendError](err); ok {
			last = *sendErr
		}
		return ids, err
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(sendMaxTime))
	switch {
	case err == nil && len(ids) != len(events):
		return ids, &SendError{IDs: ids, Message: fmt.Sprintf("the server took %d of %d events", len(ids), len(events))}
	case err == nil:
		return ids, nil
	case ctx.Err() != nil:
		last.Err = ctxerr.Cause(ctx)
	}
	return last.IDs, &last
}

// newSeed makes the value from which the server derives the events' IDs: sent
// again, the same request makes the same events.
func newSeed() string {
	entropy := make([]byte, seedEntropy)
	_, _ = rand.Read(entropy) // never fails; see its documentation
	return strconv.FormatInt(time.Now().UnixMilli(), 10) + "," + base64.StdEncoding.EncodeToString(entropy)
}

// post is one try. Errors that no other try would mend are marked permanent.
func (s *sender) post(ctx context.Context, body []byte, seed string) ([]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return nil, backoff.Permanent(&SendError{Err: withoutURL(err)})
	}
	s.config.setHeaders(req, "")
	req.Header.Set(inngestgo.HeaderKeyEventIDSeed, seed)
	resp, err := s.config.HTTPClient.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, backoff.Permanent(ctx.Err())
		}
		return nil, &SendError{Err: withoutURL(err)}
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	if err != nil {
		return nil, &SendError{Err: withoutURL(err)}
	}
	return readSendAnswer(resp, raw)
}

func readSendAnswer(resp *http.Response, raw []byte) ([]string, error) {
	var answer struct {
		IDs   []string `json:"ids"`
		Error string   `json:"error"`
	}
	decodeErr := json.Unmarshal(raw, &answer)
	if resp.StatusCode < http.StatusMultipleChoices {
		if decodeErr != nil {
			return nil, backoff.Permanent(&SendError{Status: resp.StatusCode, Message: "the answer is not an Inngest server's"})
		}
		return answer.IDs, nil
	}
	err := &SendError{Status: resp.StatusCode, Message: answer.Error, IDs: answer.IDs}
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= http.StatusInternalServerError {
		if after := retryAfter(resp.Header); after > 0 {
			return nil, errors.Join(err, backoff.RetryAfter(int(after/time.Second)))
		}
		return nil, err
	}
	return nil, backoff.Permanent(err)
}

// retryAfter reads a Retry-After header in seconds or as a date, rounded up to
// whole seconds; 0 if there is none.
func retryAfter(h http.Header) time.Duration {
	value := h.Get(headerRetryAfter)
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		if d := time.Until(at); d > 0 {
			return d.Truncate(time.Second) + time.Second
		}
	}
	return 0
}

// withoutURL drops the URL from an error of net/http, since it ends with the
// event key.
func withoutURL(err error) error {
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		return urlErr.Err
	}
	return err
}
