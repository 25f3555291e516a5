package inngestkit

import (
	"context"
	"errors"
	"net/http"
)

// SendStatus is the HTTP status with which a handler tells its own client that
// [App.Send] failed with err:
//
//	504  the context's time was up
//	503  the server asked to wait, with 429 or 503, or the context was cancelled
//	502  the server could not be reached, or failed
//	500  it is a mistake in the app: an event that cannot be sent, a wrong key
//
// The Send of an adapter puts it into the error its framework knows.
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
