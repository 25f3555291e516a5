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
		if inner := inngestkit.UnwrapRetry(err); inner != nil {
			err = inner
		}
		t := reflect.TypeOf(err)
		if t != wrapped && (t != sendFailed || statusOf(err) >= http.StatusBadRequest) {
			return err
		}
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
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
func message(err error) string {
	if withData, ok := errors.AsType[inngestkit.DataError](err); ok {
		return withData.WithoutData()
	}
	return err.Error()
}
