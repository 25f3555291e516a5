package inngestkit

import (
	"context"
	"errors"
	"log/slog"

	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// connectLog takes the log of the SDK's connections. It says much, and some of it
// holds URLs with their passwords, so only the reason why there is no connection
// is passed on. It also tells when the server has acknowledged a reply, which the
// SDK tells in no other way.
type connectLog struct{ connection *connection }

// The SDK's words.
const (
	sdkNoConnection = "could not establish connection"
	sdkGotMessage   = "received gateway request"
	sdkReplyAck     = "WORKER_REPLY_ACK"
)

// Enabled implements slog.Handler.
func (l *connectLog) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (l *connectLog) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(attr slog.Attr) bool {
		switch {
		case r.Message == sdkGotMessage && attr.Key == "kind" && attr.Value.String() == sdkReplyAck:
			l.connection.acknowledged()
		case r.Message == sdkNoConnection && attr.Key == "err":
			// It may be of a transport of the program's.
			if err, ok := attr.Value.Any().(error); ok {
				if err = safe.Sound("the transport", err); !errors.Is(err, context.Canceled) {
					l.connection.complain(r.Message, err)
				}
			}
		}
		return true
	})
	return nil
}

// WithAttrs implements slog.Handler.
func (l *connectLog) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l *connectLog) WithGroup(string) slog.Handler { return l }
