package inngestotel

import (
	"errors"
	"net/http"
	"reflect"
	"strconv"

	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// sdkErrors is the package of the errors that only say when to try again.
var sdkErrors = reflect.TypeOf(inngestkit.NoRetryError(nil)).PkgPath()

// errorType is the low-cardinality name of an error: the status of the server's
// answer, or the Go type of what the function has returned, without what is wrapped
// around it to say something else.
func errorType(err error) string {
	if sendErr, ok := errors.AsType[*inngestkit.SendError](err); ok && sendErr.Status >= http.StatusBadRequest {
		return strconv.Itoa(sendErr.Status)
	}
	for reflect.TypeOf(err).PkgPath() == sdkErrors && errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return semconv.ErrorType(err).Value.AsString()
}
