package eventpath

import (
	"cmp"
	"fmt"
	"strings"
)

// An Expression is an expression together with what is known of its events.
type Expression struct {
	// Text is the expression, or, if IsMatch is set, a path in both events.
	Text string
	// IsMatch reports whether Text is a path. The expression compares its values.
	IsMatch bool
	// Events are the events that can trigger the run.
	Events []Shape
	// Async is the second event, nil if the expression has only one.
	Async *Shape
}

// Match returns an expression that compares the values at path of both events.
func Match(path string) string { return Event + "." + path + " == " + Async + "." + path }

// Full returns the expression that is sent to the server.
func (e Expression) Full() string {
	if e.IsMatch {
		return Match(e.Text)
	}
	return e.Text
}

// Problem returns what is wrong with the expression, "" if it finds nothing.
func (e Expression) Problem() string {
	if e.IsMatch {
		return e.matchProblem()
	}
	found := scan(e.Text)
	if found.problem != "" {
		return found.problem
	}
	if len(found.unknown) > 0 {
		return e.unknown(found.unknown[0])
	}
	for _, path := range found.paths {
		if problem := e.PathProblem(path); problem != "" {
			return problem
		}
	}
	return ""
}

// PathProblem returns why a path of the expression has no value, "" if it has one or may
// have one.
func (e Expression) PathProblem(path Path) string {
	switch {
	case path.Root == Async && e.Async == nil:
		return "has async, but this expression has only the triggering event; use event"
	case e.Async != nil && len(path.Segments) > 0 && path.Segments[0].quoted:
		// The server replaces what begins with "event." by values of the event (Interpolate in
		// its pkg/expressions).
		return fmt.Sprintf("has %s[…], which the server does not recognize here; write %s.%s",
			path.Root, path.Root, path.Segments[0].Name)
	case path.Root == Async && path.hasIndex() && strings.Contains(e.Full(), Event+"."):
		// The server evaluates it without the other event first, which fails.
		return fmt.Sprintf("has %q: the server cannot compare an element of a list with the event; compare a field", path)
	case path.Root == Async:
		return e.Async.Problem(path)
	}
	return e.eventProblem(path)
}

// eventProblem returns why one of the events has nothing at path. In an expression that
// distinguishes the events, for example with has(), it is enough if one of them has path.
func (e Expression) eventProblem(path Path) string {
	var first string
	missing := 0
	for _, event := range e.Events {
		if problem := event.Problem(path); problem != "" {
			first = cmp.Or(first, problem)
			missing++
		}
	}
	if missing > 0 && missing < len(e.Events) && !e.IsMatch && scan(e.Text).distinguishes {
		return ""
	}
	return first
}

func (e Expression) matchProblem() string {
	path, ok := Parse(Event + "." + e.Text)
	if !ok || e.Text == "" {
		return `is not a path in both events, such as data.userId or data["user-id"]`
	}
	if first := path.Segments[0].Name; first == Event || first == Async {
		return fmt.Sprintf("is a path in both events; leave out %q", first+".")
	}
	for _, root := range []string{Event, Async} {
		path.Root = root
		if problem := e.PathProblem(path); problem != "" {
			return problem
		}
	}
	return ""
}

// unknown returns the problem of a name that expressions do not have.
func (e Expression) unknown(path Path) string {
	known := "event"
	if e.Async != nil {
		known = "event or async"
	}
	if len(path.Segments) > 0 {
		return fmt.Sprintf("has %q, which does not begin with %s: write event.data.… for the data of the event", path, known)
	}
	return fmt.Sprintf("has %q, which is not known in expressions: begin paths with %s, and put text in quotes", path.Root, known)
}
