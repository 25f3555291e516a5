package sdkconnect

import "log/slog"

// LogHandler returns what receives the SDK's log.
func LogHandler(h Handler) slog.Handler { return &logHandler{handler: h} }
