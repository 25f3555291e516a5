package inngestotel

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// errorType is the low-cardinality name of an error: the status of the server's
// answer to a send, or the Go type of the error, without what is wrapped around it to
// say something else. It is never what the error says of itself, which may be anything.
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

// unwrapped is the error inside.
func unwrapped(err error) error {
	for isWrapper(reflect.TypeOf(err)) && statusOf(err) < http.StatusBadRequest {
		next := errors.Unwrap(err)
		if next == nil {
			break
		}
		err = next
	}
	return err
}

// statusOf is the status of the server's answer, if err itself is of a send.
func statusOf(err error) int {
	if send, ok := err.(*inngestkit.SendError); ok && send != nil { //nolint:errorlint // what it wraps is looked at in turn
		return send.Status
	}
	return 0
}

// isWrapper reports whether errors of the type only add a message, say when to try
// again, or that a send has failed.
func isWrapper(t reflect.Type) bool {
	return t == noRetry || t == retryAt || t == wrapped || t == sendFailed
}

var (
	noRetry    = reflect.TypeOf(inngestkit.NoRetry(errors.ErrUnsupported))
	retryAt    = reflect.TypeOf(inngestkit.RetryAt(errors.ErrUnsupported, time.Time{}))
	wrapped    = reflect.TypeOf(fmt.Errorf("%w", errors.ErrUnsupported))
	sendFailed = reflect.TypeFor[*inngestkit.SendError]()
)

// message is what an error says, without data of events and steps that the app has put
// there: a type's own UnmarshalJSON may tell what it got.
func message(err error) string {
	if misfit, ok := errors.AsType[interface {
		error
		WithoutData() string
	}](err); ok {
		return misfit.WithoutData()
	}
	return err.Error()
}
