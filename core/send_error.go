package inngestkit

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// SendError is what [App.Send] returns if the server refused events or could not
// be reached. It says which of the events were sent:
//
//	events[:len(e.IDs)]                            sent
//	events[len(e.IDs):len(e.IDs)+e.Uncertain]      perhaps sent
//	events[len(e.IDs)+e.Uncertain:]                not sent
//
// To go on, send events[len(e.IDs):]. If some of them are uncertain and must not
// start runs twice, give the events IDs of their own before the first Send: of
// events with the same ID, only the first starts runs.
type SendError struct {
	// Status is the server's last HTTP status, 0 if it did not answer.
	Status int
	// Message is the server's explanation, if it gave one.
	Message string
	// IDs are those of the events, from the first on, that the server took.
	IDs []string
	// Uncertain is how many events after those the server may have taken, because
	// their request got no answer, or one that a proxy may have given.
	Uncertain int
	// RetryAfter is how long the last answer asked to wait, 0 if it did not.
	RetryAfter time.Duration
	// Err is the network error or the end of the context, if that was the cause. If the
	// context ended while Send was trying again, it wraps the last network error too.
	Err error

	total int    // how many events were to be sent, 0 if that is not known
	cure  string // what to do, "" if there is nothing to say
}

// Error implements error.
func (e *SendError) Error() string {
	var b strings.Builder
	b.WriteString("inngestkit: send: " + e.unsent())
	if e.Status != 0 {
		fmt.Fprintf(&b, ": the server answered %d %s", e.Status, http.StatusText(e.Status))
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, "; it asks to try again in %s", e.RetryAfter.Round(time.Second))
	}
	if e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden {
		b.WriteString("; check EventKey (INNGEST_EVENT_KEY)")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.cure != "" {
		b.WriteString("; " + e.cure)
	}
	return b.String()
}

// Unwrap returns Err.
func (e *SendError) Unwrap() error { return e.Err }

// unsent says which of the events were not sent.
func (e *SendError) unsent() string {
	switch {
	case e.total == 1 && e.Uncertain > 0:
		return "it is not certain whether the event was sent"
	case e.total == 1:
		return "the event was not sent"
	case e.Uncertain > 0 && len(e.IDs) == 0:
		return fmt.Sprintf("the events were not sent (or the first %d were, which is not certain)", e.Uncertain)
	case e.Uncertain > 0:
		return fmt.Sprintf("the events were not sent, but for the first %d (or the next %d were, too, which is not certain)",
			len(e.IDs), e.Uncertain)
	case len(e.IDs) > 0:
		return fmt.Sprintf("the events were not sent, but for the first %d", len(e.IDs))
	default:
		return "the events were not sent"
	}
}
