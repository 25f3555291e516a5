package inngestotel

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// errorType returns a low-cardinality name for err: the status of the server's response
// to a send, or the Go type of the error inside its wrappers. It never contains the
// error's message, which can be anything.
func errorType(err error) string {
	err = unwrapped(err)
	if status := statusOf(err); status >= http.StatusBadRequest {
		return strconv.Itoa(status)
	}
	t := reflect.TypeOf(err)
	if t.PkgPath() != "" && t.Name() != "" {
		return t.PkgPath() + "." + t.Name()
	}
	return t.String()
}

// unwrapped returns the cause inside errors that only add a message, control retries,
// or report that a send failed.
func unwrapped(err error) error {
	for {
		t, next := reflect.TypeOf(err), errors.Unwrap(err)
		wraps := t == wrapped || onlyRetries(err, next) || t == sendFailed && statusOf(err) < http.StatusBadRequest
		if next == nil || !wraps {
			return err
		}
		err = next
	}
}

// onlyRetries reports whether err itself, rather than an error it wraps, controls
// retries.
func onlyRetries(err, inner error) bool {
	_, at := inngestkit.RetryTime(err)
	_, innerAt := inngestkit.RetryTime(inner)
	return at && !innerAt || inngestkit.IsNoRetry(err) && !inngestkit.IsNoRetry(inner)
}

// statusOf returns the status of the server's response if err itself is a SendError,
// and 0 otherwise.
func statusOf(err error) int {
	if send, ok := err.(*inngestkit.SendError); ok && send != nil { //nolint:errorlint // unwrapped examines wrapped errors
		return send.Status
	}
	return 0
}

var (
	wrapped    = reflect.TypeOf(fmt.Errorf("%w", errors.ErrUnsupported))
	sendFailed = reflect.TypeFor[*inngestkit.SendError]()
)

// message returns the message of err without data of events and steps, which a type's
// own UnmarshalJSON may quote.
func message(err error) (text string) {
	withData, ok := errors.AsType[inngestkit.DataError](err)
	if !ok {
		return err.Error()
	}
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("an error of type %T, whose WithoutData panics", withData)
		}
	}()
	return withData.WithoutData()
}
