package sdkconnect

import (
	"context"
	"errors"
	"log/slog"

	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// What the SDK logs on a connection.
const (
	msgNotConnected = "could not establish connection"
	keyNotConnected = "err"
	msgReceived     = "received gateway request"
	keyReceived     = "kind"
	kindReplyAck    = "WORKER_REPLY_ACK"
)

// logHandler receives the SDK's log. The SDK logs a lot, including URLs with their
// passwords, so the log itself is dropped. Two of its messages are reported to the
// handler, because the SDK reports these events in no other way.
type logHandler struct{ handler Handler }

// Enabled implements slog.Handler.
func (l *logHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (l *logHandler) Handle(_ context.Context, r slog.Record) error {
	switch r.Message {
	case msgReceived:
		if attr(r, keyReceived).String() == kindReplyAck {
			l.handler.Acknowledged()
		}
	case msgNotConnected:
		if err, ok := attr(r, keyNotConnected).Any().(error); ok {
			err = safe.Sound("the transport", err) // http.DefaultTransport may be the program's own
			if !errors.Is(err, context.Canceled) {
				l.handler.NotConnected(err)
			}
		}
	}
	return nil
}

// attr returns the value of an attribute, which is nil if the record does not have it.
func attr(r slog.Record, key string) (value slog.Value) {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == key {
			value = a.Value
		}
		return a.Key != key
	})
	return value
}

// WithAttrs implements slog.Handler.
func (l *logHandler) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l *logHandler) WithGroup(string) slog.Handler { return l }
