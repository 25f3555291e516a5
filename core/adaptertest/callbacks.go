package adaptertest

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// Callbacks are functions of the program that the app calls. An event names the one that
// has to panic.
const (
	logEnabled   = "Enabled of the logger"
	logHandle    = "Handle of the logger"
	logWithAttrs = "WithAttrs of the logger"
	logWithGroup = "WithGroup of the logger"
	roundTrip    = "RoundTrip of the client"
	marshal      = "MarshalJSON of the output"
	marshalStep  = "MarshalJSON of a step"
	errorMethod  = "Error of an error"
	errorOfStep  = "Error of a step's error"
)

// panickingCallbacks: whichever callback panics, the app reports it and serves the next
// call. Adapters need to do nothing for that, but with some frameworks a panic that
// escapes from the app ends the process.
func panickingCallbacks(t *testing.T, a Adapter) {
	var broken switchboard
	i := start(t, a, setup{
		config: func(c *inngestkit.Config) {
			c.Logger = slog.New(brittleHandler{c.Logger.Handler(), &broken})
			c.HTTPClient = &http.Client{Transport: brittleTransport{c.HTTPClient.Transport, &broken}}
		},
		function: brittleFunction,
	})
	for callback, want := range map[string]struct {
		status int // of a call of the function, 200 if it has to succeed
		text   string
	}{
		logEnabled:   {status: http.StatusOK},
		logHandle:    {status: http.StatusOK},
		logWithAttrs: {status: http.StatusOK},
		logWithGroup: {status: http.StatusOK},
		roundTrip:    {http.StatusPartialContent, "transport panicked"},
		marshal:      {http.StatusBadRequest, "encoding adaptertest.unruly panicked"},
		marshalStep:  {http.StatusPartialContent, "encoding adaptertest.unruly panicked"},
		errorMethod:  {http.StatusBadRequest, "returned a nil *adaptertest.codedError"},
		errorOfStep:  {http.StatusPartialContent, "returned a nil *adaptertest.codedError"},
	} {
		broken.set(callback)
		unsigned := i.newCall(t, payload{ID: callback})
		unsigned.Header.Del(headerSignature)
		equal(t, "the status of an unsigned call", i.do(t, unsigned).status, http.StatusUnauthorized)
		got := i.call(t, payload{ID: callback})
		if want.status == http.StatusOK {
			got.returned(t, callback)
		} else {
			got.refused(t, want.status)
		}
		if !strings.Contains(got.body, want.text) {
			t.Fatalf("the response after a panic of %s is %s, want %s", callback, got, quoted(want.text))
		}
		if sync := i.do(t, i.newSync(t)); callback == roundTrip {
			sync.refused(t, http.StatusInternalServerError)
		} else {
			sync.refused(t, http.StatusOK)
		}
		broken.set("")
		i.call(t, payload{ID: "a"}).returned(t, "a")
	}
}

// brittleFunction calls the callback that the event names.
func brittleFunction(ctx context.Context, in input) (any, error) {
	inngestkit.Logger(ctx).With("a", 1).WithGroup("g").Info("called")
	switch id := in.Event.Data.ID; id {
	case roundTrip:
		return step.SendEvent(ctx, "step", happened.New(payload{ID: roundTrip}))
	case marshal:
		return unruly{}, nil
	case marshalStep:
		return step.Run(ctx, "step", func(context.Context) (unruly, error) { return unruly{}, nil })
	case errorMethod:
		return nil, (*codedError)(nil)
	case errorOfStep:
		return step.Run(ctx, "step", func(context.Context) (any, error) { return nil, (*codedError)(nil) })
	default:
		return id, nil
	}
}

// switchboard selects the callback that panics.
type switchboard struct{ broken atomic.Value }

func (s *switchboard) set(callback string) { s.broken.Store(callback) }

func (s *switchboard) pass(callback string) {
	if s.broken.Load() == callback {
		panic(callback + " is broken")
	}
}

type brittleHandler struct {
	slog.Handler

	board *switchboard
}

// Enabled implements slog.Handler.
func (h brittleHandler) Enabled(ctx context.Context, level slog.Level) bool {
	h.board.pass(logEnabled)
	return h.Handler.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h brittleHandler) Handle(ctx context.Context, record slog.Record) error {
	h.board.pass(logHandle)
	return h.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h brittleHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.board.pass(logWithAttrs)
	return brittleHandler{h.Handler.WithAttrs(attrs), h.board}
}

// WithGroup implements slog.Handler.
func (h brittleHandler) WithGroup(name string) slog.Handler {
	h.board.pass(logWithGroup)
	return brittleHandler{h.Handler.WithGroup(name), h.board}
}

type brittleTransport struct {
	http.RoundTripper

	board *switchboard
}

// RoundTrip implements http.RoundTripper.
func (t brittleTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.board.pass(roundTrip)
	return t.RoundTripper.RoundTrip(r)
}

// unruly is a value whose encoding panics.
type unruly struct{}

// MarshalJSON implements json.Marshaler.
func (unruly) MarshalJSON() ([]byte, error) { panic("not today") }

// codedError is an error whose Error panics for a nil pointer.
type codedError struct{ code string }

// Error implements error.
func (e *codedError) Error() string { return e.code }
