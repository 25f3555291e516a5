package sdkconnect

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// What the SDK logs on a connection.
const (
	msgNotConnected = "could not establish connection"
	keyNotConnected = "err"
	msgReceived     = "received gateway request"
	keyReceived     = "kind"
	kindReplyAck    = "WORKER_REPLY_ACK"
	msgDraining     = "gateway requested connection drain"
	msgEstablished  = "connection established"
)

// logHandler receives the SDK's log. The SDK logs a lot, including URLs with their
// passwords, so the log itself is dropped. Some of its messages are evaluated, because
// the SDK reports these events in no other way.
type logHandler struct {
	handler Handler
	// draining is whether the gateway has asked to be replaced, and is not replaced yet.
	draining atomic.Bool
}

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
	case msgDraining:
		l.draining.Store(true)
	case msgEstablished:
		l.draining.Store(false)
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
