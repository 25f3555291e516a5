package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Values and responses in the transcript are cut to these lengths.
const (
	maxValue    = 100
	maxResponse = 200
)

// A transcript prints who does what, with the time since the first line.
type transcript struct {
	mu    sync.Mutex
	to    io.Writer
	begin time.Time
}

func newTranscript(to io.Writer) *transcript { return &transcript{to: to} }

// Write implements [io.Writer].
func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.to.Write(p)
}

// notef prints a line without a time. A failure to print cannot be reported.
func (t *transcript) notef(format string, args ...any) { _, _ = fmt.Fprintf(t, format+"\n", args...) }

// linef prints what somebody does.
func (t *transcript) linef(who, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.begin.IsZero() {
		t.begin = time.Now()
	}
	_, _ = fmt.Fprintf(t.to, "%6.2fs  %-13s  %s\n", time.Since(t.begin).Seconds(), who, fmt.Sprintf(format, args...))
}

// middleware returns middleware that prints what the functions of a service do. What is
// memoized is not printed again.
func (t *transcript) middleware(service string) inngestkit.Middleware {
	return inngestkit.Middleware{
		Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
			return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
				if call.Attempt == 0 && !call.Replaying() {
					t.linef(service, "%s starts%s", call.FunctionID, triggerOf(call))
				}
				output, err := next(ctx, call)
				switch {
				case errors.Is(err, inngestkit.ErrYielded):
				case err != nil:
					t.linef(service, "%s fails: %v", call.FunctionID, err)
				default:
					t.linef(service, "%s returns %s", call.FunctionID, value(output))
				}
				return output, err
			}
		},
		Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
			return func(ctx context.Context, step *inngestkit.StepCall) (any, error) {
				output, err := next(ctx, step)
				what := value(output)
				if err != nil {
					what = "fails, " + err.Error()
				}
				t.linef(service, "%s runs %s: %s", step.Function.FunctionID, step.ID, what)
				return output, err
			}
		},
		Send: func(next inngestkit.SendHandler) inngestkit.SendHandler {
			return func(ctx context.Context, events []inngestkit.RawEvent) ([]string, error) {
				t.linef(service, "sends %s", names(events))
				return next(ctx, events)
			}
		},
	}
}

// triggerOf describes the event that has started a run.
func triggerOf(call *inngestkit.FunctionCall) string {
	events, err := call.Events()
	if err != nil || len(events) == 0 {
		return ""
	}
	return " for " + names(events)
}

// names returns the names of events.
func names(events []inngestkit.RawEvent) string {
	if len(events) > 3 {
		return fmt.Sprintf("%d events %s", len(events), events[0].Name)
	}
	all := make([]string, len(events))
	for i, event := range events {
		all[i] = event.Name
	}
	return strings.Join(all, ", ")
}

// value returns a value as JSON, in one line and not too long.
func value(v any) string {
	if v == nil {
		return "done"
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return short(string(data), maxValue)
}

// short returns a text in one line, cut to a length.
func short(text string, length int) string {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", " ")
	if runes := []rune(text); len(runes) > length {
		return string(runes[:length]) + "…"
	}
	return text
}

// lines keeps a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
