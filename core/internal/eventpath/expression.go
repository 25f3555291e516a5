package eventpath

import (
	"cmp"
	"fmt"
	"strings"
)

// Expression is an expression, and what is known of the events in it.
type Expression struct {
	// Text is the expression, or what makes one: a path within both events.
	Text string
	// IsMatch says that Text is such a path.
	IsMatch bool
	// Events are those of which one triggers the run.
	Events []Shape
	// Async is the other event, nil if the expression is over one event alone.
	Async *Shape
}

// Match returns the expression that the values at path are equal in both events.
func Match(path string) string { return Event + "." + path + " == " + Async + "." + path }

// Full returns the expression as the server gets it.
func (e Expression) Full() string {
	if e.IsMatch {
		return Match(e.Text)
	}
	return e.Text
}

// Problem tells what is wrong with the expression, "" if nothing can be seen.
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

// PathProblem tells why a path of the expression has no value, "" if it has or may have.
func (e Expression) PathProblem(path Path) string {
	switch {
	case path.Root == Async && e.Async == nil:
		return "has async, which is another event, and there is none here; use event"
	case e.Async != nil && len(path.Segments) > 0 && path.Segments[0].quoted:
		// The server puts in the values of the event where it finds "event." (Interpolate
		// in its pkg/expressions).
		return fmt.Sprintf("has %s[…], which the server does not find here; write %s.%s",
			path.Root, path.Root, path.Segments[0].Name)
	case path.Root == Async && path.hasIndex() && strings.Contains(e.Full(), Event+"."):
		// Its evaluation without the other event ends in an error.
		return fmt.Sprintf("has %q: the server cannot compare an element of a list with the event; compare a field", path)
	case path.Root == Async:
		return e.Async.Problem(path)
	}
	return e.eventProblem(path)
}

// eventProblem tells why one of the events has nothing at path. In an expression that tells
// the events apart, as with has(), it is enough if another has.
func (e Expression) eventProblem(path Path) string {
	var first string
	missing := 0
	for _, event := range e.Events {
		if problem := event.Problem(path); problem != "" {
			first = cmp.Or(first, problem)
			missing++
		}
	}
	if missing > 0 && missing < len(e.Events) && !e.IsMatch && scan(e.Text).tellsApart {
		return ""
	}
	return first
}

func (e Expression) matchProblem() string {
	path, ok := Parse(Event + "." + e.Text)
	if !ok || e.Text == "" {
		return `is not a path within both events, such as data.userId or data["user-id"]`
	}
	if first := path.Segments[0].Name; first == Event || first == Async {
		return fmt.Sprintf("is a path within both events; leave out %q", first+".")
	}
	for _, root := range []string{Event, Async} {
		path.Root = root
		if problem := e.PathProblem(path); problem != "" {
			return problem
		}
	}
	return ""
}

// unknown says that a name is not known in expressions.
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
