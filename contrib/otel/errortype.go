package inngestotel

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// errorType is the low-cardinality name of an error: the status of the server's
// answer, or the Go type of what the function has returned, without what is wrapped
// around it to say something else.
func errorType(err error) string {
	if sendErr, ok := errors.AsType[*inngestkit.SendError](err); ok && sendErr.Status >= http.StatusBadRequest {
		return strconv.Itoa(sendErr.Status)
	}
	for isWrapper(reflect.TypeOf(err)) && errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return semconv.ErrorType(err).Value.AsString()
}

// isWrapper reports whether errors of the type only add a message, or say when to
// try again.
func isWrapper(t reflect.Type) bool {
	return t == noRetry || t == retryAt || t == wrapped
}

var (
	noRetry = reflect.TypeOf(inngestkit.NoRetryError(nil))
	retryAt = reflect.TypeOf(inngestkit.RetryAtError(nil, time.Time{}))
	wrapped = reflect.TypeOf(fmt.Errorf("%w", errors.ErrUnsupported))
)
