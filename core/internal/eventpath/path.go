// Package eventpath looks up the paths in expressions, such as event.data.userId, in the
// Go types of events. To the server, a path that an event does not have is null, and null
// equals null, so a mistake in a path would go unnoticed.
package eventpath

import (
	"strconv"
	"strings"
)

// The variables of expressions.
const (
	// Event is the event that triggered the run.
	Event = "event"
	// Async is the event that cancels a run, or that a run waits for.
	Async = "async"
)

// A Path is a path in an expression, such as event.data.items[0]["user-id"].
type Path struct {
	// Root is the variable that the path begins with.
	Root     string
	Segments []Segment
}

// A Segment is one part of a path: a name, or the index of a list element.
type Segment struct {
	Name    string
	IsIndex bool
	// quoted reports whether the name is in brackets.
	quoted bool
}

// String returns the path in the syntax of expressions.
func (p Path) String() string {
	var b strings.Builder
	b.WriteString(p.Root)
	for _, s := range p.Segments {
		switch {
		case s.IsIndex:
			b.WriteString("[" + s.Name + "]")
		case isIdentifier(s.Name):
			b.WriteString("." + s.Name)
		default:
			b.WriteString("[" + strconv.Quote(s.Name) + "]")
		}
	}
	return b.String()
}

// under returns the first n segments of p, followed by name.
func (p Path) under(n int, name string) string {
	segments := append(append([]Segment{}, p.Segments[:n]...), Segment{Name: name})
	return Path{Root: p.Root, Segments: segments}.String()
}

// hasIndex reports whether the path has an index.
func (p Path) hasIndex() bool {
	for _, s := range p.Segments {
		if s.IsIndex {
			return true
		}
	}
	return false
}

// isName reports whether p is the name of the event that triggered the run.
func (p Path) isName() bool {
	return p.Root == Event && len(p.Segments) == 1 && p.Segments[0].Name == "name"
}

// Parse parses text that is one path. The path may begin with any name.
func Parse(text string) (path Path, ok bool) {
	s := scanner{text: text}
	s.spaces()
	root := s.identifier()
	if root == "" || isKeyword(root) {
		return Path{}, false
	}
	path, called := s.path(root)
	s.spaces()
	return path, !called && s.at == len(text) && s.problem == ""
}

func isIdentifier(s string) bool {
	for i := range len(s) {
		if !isLetter(s[i]) && (i == 0 || !isDigit(s[i])) {
			return false
		}
	}
	return s != ""
}

func isLetter(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }
