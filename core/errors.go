package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/inngest/inngestgo"
	sdkerrors "github.com/inngest/inngestgo/errors"
)

// ErrShutdown is in the chain of the errors of [App.Start], [App.Sync], [App.Connect],
// [App.CheckEndpoint] and [App.Go] after [App.Shutdown] has begun.
var ErrShutdown = errors.New("the app is shut down")

// NoRetry wraps err so that Inngest does not retry: the step, or the function, fails at
// once. It returns nil if err is nil.
//
// The result has err and the SDK's own error in its chain.
func NoRetry(err error) error {
	if err == nil {
		return nil
	}
	return inngestgo.NoRetryError(err)
}

// RetryAt wraps err so that Inngest retries the step or function at t, if attempts
// remain. The server waits for at least 1 s and at most 24 h. RetryAt returns nil if err
// is nil.
//
// The result has err and the SDK's own error in its chain.
func RetryAt(err error, t time.Time) error {
	if err == nil {
		return nil
	}
	return inngestgo.RetryAtError(err, t)
}

// RetryAfter is [RetryAt] with a duration from now.
func RetryAfter(err error, d time.Duration) error { return RetryAt(err, time.Now().Add(d)) }

// IsNoRetry reports whether err says that Inngest must not retry: whether its chain has
// an error from [NoRetry].
func IsNoRetry(err error) bool { return sdkerrors.IsNoRetryError(err) }

// RetryTime returns the time at which Inngest is to retry, from the first error of
// [RetryAt] or [RetryAfter] in the chain of err; ok is false if it has none.
func RetryTime(err error) (t time.Time, ok bool) {
	if at := sdkerrors.GetRetryAtTime(err); at != nil {
		return *at, true
	}
	return time.Time{}, false
}

// DataError is an error whose message may contain data of events or steps, such as a
// value that does not fit its Go type. Telemetry records WithoutData instead of Error.
// Errors of this package implement it, and those of an app may.
//
// When a step has failed, the function gets only the message, as a step.Error, which is
// not a DataError: return another error instead if the message must not be recorded.
type DataError interface {
	error
	// WithoutData returns the message without the data.
	WithoutData() string
}

var (
	noRetryType = reflect.TypeOf(inngestgo.NoRetryError(nil))
	retryAtType = reflect.TypeOf(inngestgo.RetryAtError(nil, time.Time{}))
)

// orNil returns err as a function or a step has returned it, or nil if it is one of the
// SDK's own wrappers around nil, whose Error method panics.
func orNil(err error) error {
	inner := err
	for t := reflect.TypeOf(inner); t == noRetryType || t == retryAtType; t = reflect.TypeOf(inner) {
		inner = errors.Unwrap(inner)
	}
	if inner == nil {
		return nil
	}
	return err
}

// SendError is the error of [App.Send] if the server refused events or could not be
// reached. It reports which of the events were sent:
//
//	events[:len(e.IDs)]                            sent
//	events[len(e.IDs):len(e.IDs)+e.Uncertain]      perhaps sent
//	events[len(e.IDs)+e.Uncertain:]                not sent
//
// To continue, send events[len(e.IDs):]. If some of them are uncertain and must not start
// runs twice, give the events their own IDs before the first Send: of several events with
// the same ID, only the first starts runs.
type SendError struct {
	// Status is the HTTP status of the server's last response, 0 without a response.
	Status int
	// Message is the server's explanation, if it gave one.
	Message string
	// IDs are the IDs of the events that the server accepted, from the first on.
	IDs []string
	// Uncertain is the number of events after those that the server may have accepted,
	// because their request got no response, or one that may be from a proxy.
	Uncertain int
	// RetryAfter is the wait that the last response requested, 0 if it did not.
	RetryAfter time.Duration
	// Err is the network error or the end of the context, if one of them is the cause. If
	// the context ended between two attempts, Err also wraps the last network error.
	Err error

	total int    // number of events to send, 0 if it is not known
	cure  string // what to do, "" if nothing is known
}

// Error implements error.
func (e *SendError) Error() string {
	var b strings.Builder
	b.WriteString("inngestkit: send: " + e.unsent())
	if e.Status != 0 {
		fmt.Fprintf(&b, ": the server responded with %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, "; retry after %s", e.RetryAfter.Round(time.Second))
	}
	if e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden {
		b.WriteString("; check EventKey (INNGEST_EVENT_KEY)")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.cure != "" {
		b.WriteString("; " + e.cure)
	}
	return b.String()
}

// Unwrap returns Err.
func (e *SendError) Unwrap() error { return e.Err }

// unsent describes which of the events were not sent.
func (e *SendError) unsent() string {
	switch {
	case e.total == 1 && e.Uncertain > 0:
		return "it is not certain whether the event was sent"
	case e.total == 1:
		return "the event was not sent"
	case e.Uncertain > 0 && len(e.IDs) == 0:
		return fmt.Sprintf("the events were not sent, except perhaps the first %d", e.Uncertain)
	case e.Uncertain > 0:
		return fmt.Sprintf("the events were not sent, except the first %d and perhaps the next %d", len(e.IDs), e.Uncertain)
	case len(e.IDs) > 0:
		return fmt.Sprintf("the events were not sent, except the first %d", len(e.IDs))
	default:
		return "the events were not sent"
	}
}

// SendStatus returns the HTTP status with which a handler reports to its own client that
// [App.Send] failed with err:
//
//	504  the context's deadline passed
//	503  the server requested a wait, with 429 or 503, or the context was cancelled
//	502  the server could not be reached, or failed
//	500  the app is at fault: an event that cannot be sent, a wrong key
//
// The Send of an adapter puts it into its framework's error.
func SendStatus(err error) int {
	var send *SendError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	case errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable
	case !errors.As(err, &send):
		return http.StatusInternalServerError
	case send.Status == http.StatusTooManyRequests || send.Status == http.StatusServiceUnavailable:
		return http.StatusServiceUnavailable
	case send.Status >= http.StatusBadRequest && send.Status < http.StatusInternalServerError:
		return http.StatusInternalServerError
	default:
		return http.StatusBadGateway
	}
}
