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

// unwrapped returns the error inside of those that only add a message, say whether and
// when to retry, or report that a send has failed.
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

// onlyRetries reports whether err itself, and not what it wraps, says whether and when to
// retry.
func onlyRetries(err, inner error) bool {
	_, at := inngestkit.RetryTime(err)
	_, innerAt := inngestkit.RetryTime(inner)
	return at && !innerAt || inngestkit.IsNoRetry(err) && !inngestkit.IsNoRetry(inner)
}

// statusOf returns the status of the server's response if err itself is that of a send,
// and 0 otherwise.
func statusOf(err error) int {
	if send, ok := err.(*inngestkit.SendError); ok && send != nil { //nolint:errorlint // what it wraps is looked at in turn
		return send.Status
	}
	return 0
}

var (
	wrapped    = reflect.TypeOf(fmt.Errorf("%w", errors.ErrUnsupported))
	sendFailed = reflect.TypeFor[*inngestkit.SendError]()
)

// message returns the message of err, without data of events and steps: a type's own
// UnmarshalJSON may repeat what it got.
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
