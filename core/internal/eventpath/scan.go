package eventpath

import (
	"fmt"
	"slices"
	"strings"
)

// scanned is what can be found in an expression without a parser of the language.
type scanned struct {
	// paths are the paths that begin with event or async.
	paths []Path
	// unknown are the paths that begin with any other name.
	unknown []Path
	// distinguishes reports whether the expression checks the name of the event or whether a
	// field exists: has(…), null, event.name.
	distinguishes bool
	// problem is a mistake in the expression, "" if none was found.
	problem string
}

// scan finds the paths and some mistakes in an expression without parsing the Common
// Expression Language. It only reports mistakes that are certain; the server finds the rest.
func scan(text string) scanned {
	s := scanner{text: text}
	for s.at < len(text) && s.problem == "" {
		s.next()
	}
	if s.problem == "" && len(s.open) > 0 {
		s.problem = fmt.Sprintf("has a %q that is not closed", s.open[len(s.open)-1])
	}
	if strings.ContainsAny(text, ",{") {
		s.unknown = nil // they may be variables of a macro, or keys
	}
	return s.scanned
}

type scanner struct {
	scanned

	text string
	at   int
	// open has the brackets that are not closed yet.
	open []byte
	// afterDot reports whether a dot precedes the next token.
	afterDot bool
}

// next reads one token.
func (s *scanner) next() {
	s.spaces()
	if s.at == len(s.text) {
		return
	}
	afterDot := s.afterDot
	s.afterDot = false
	switch c := s.text[s.at]; {
	case isLetter(c):
		s.name(s.identifier(), afterDot)
	case isDigit(c):
		s.number()
	case c == '"' || c == '\'':
		s.quoted()
	case strings.HasPrefix(s.text[s.at:], "//"):
		_, rest, _ := strings.Cut(s.text[s.at:], "\n")
		s.at = len(s.text) - len(rest)
	default:
		s.at++
		s.afterDot = c == '.'
		s.bracket(c)
	}
}

// name reads the rest of a path that begins with name.
func (s *scanner) name(name string, afterDot bool) {
	if s.at < len(s.text) && (s.text[s.at] == '"' || s.text[s.at] == '\'') {
		s.problem = fmt.Sprintf("has %q before text in quotes, which the server does not support; leave it out", name)
		return
	}
	if afterDot || isKeyword(name) {
		s.distinguishes = s.distinguishes || name == "null"
		return
	}
	path, called := s.path(name)
	if called && name == "has" || path.isName() {
		s.distinguishes = true
	}
	switch {
	case path.Root == Event || path.Root == Async:
		s.paths = append(s.paths, path)
	case !called || len(path.Segments) > 0:
		s.unknown = append(s.unknown, path)
	}
}

// path reads the segments that follow root. A name before a parenthesis is a function and
// not part of the path.
func (s *scanner) path(root string) (path Path, called bool) {
	path.Root = root
	for {
		start := s.at
		segment, ok := s.segment()
		if !ok {
			s.at = start
			s.spaces()
			return path, s.at < len(s.text) && s.text[s.at] == '('
		}
		path.Segments = append(path.Segments, segment)
		end := s.at
		s.spaces()
		if !segment.quoted && !segment.IsIndex && s.at < len(s.text) && s.text[s.at] == '(' {
			path.Segments = path.Segments[:len(path.Segments)-1]
			return path, true
		}
		s.at = end
	}
}

// segment reads .name, ["name"] or [0].
func (s *scanner) segment() (segment Segment, ok bool) {
	s.spaces()
	if s.at == len(s.text) {
		return segment, false
	}
	switch s.text[s.at] {
	case '.':
		s.at++
		s.spaces()
		name := s.identifier()
		return Segment{Name: name}, name != ""
	case '[':
		s.at++
		s.spaces()
		segment = s.index()
		s.spaces()
		if segment.Name == "" || s.at == len(s.text) || s.text[s.at] != ']' {
			return segment, false
		}
		s.at++
		return segment, true
	}
	return segment, false
}

// index reads the content of brackets: a number, or a name in quotes.
func (s *scanner) index() Segment {
	if s.at < len(s.text) && (s.text[s.at] == '"' || s.text[s.at] == '\'') {
		return Segment{Name: s.quoted(), quoted: true}
	}
	start := s.at
	for s.at < len(s.text) && isDigit(s.text[s.at]) {
		s.at++
	}
	return Segment{Name: s.text[start:s.at], IsIndex: true}
}

// quoted reads text in quotes.
func (s *scanner) quoted() string {
	quote := s.text[s.at : s.at+1]
	s.at++
	text, _, closed := strings.Cut(s.text[s.at:], quote)
	switch {
	case strings.Contains(text, `\`):
		s.problem = `has a backslash in text, which the server does not interpret: to the server, "\"" is a backslash and a ` +
			`quote; write text that contains double quotes in single quotes, and without a backslash`
	case !closed:
		s.problem = "has text without its closing quote " + quote
	case text == "" && strings.HasPrefix(s.text[s.at+1:], quote):
		s.problem = "has three quotes in a row, which the server does not support; use one"
	}
	if s.problem != "" {
		s.at = len(s.text)
		return ""
	}
	s.at += len(text) + 1
	return text
}

// bracket tracks open brackets. It ignores other characters.
func (s *scanner) bracket(c byte) {
	const opening, closing = "([{", ")]}"
	if strings.IndexByte(opening, c) >= 0 {
		s.open = append(s.open, c)
	}
	i := strings.IndexByte(closing, c)
	if i < 0 {
		return
	}
	if len(s.open) == 0 || s.open[len(s.open)-1] != opening[i] {
		s.problem = fmt.Sprintf("has a %q without the opening bracket", c)
		return
	}
	s.open = s.open[:len(s.open)-1]
}

// number reads a number with its unit or exponent, which must not count as a name.
func (s *scanner) number() {
	for s.at < len(s.text) && (isDigit(s.text[s.at]) || isLetter(s.text[s.at])) {
		s.at++
	}
}

func (s *scanner) identifier() string {
	start := s.at
	for s.at < len(s.text) && (isLetter(s.text[s.at]) || s.at > start && isDigit(s.text[s.at])) {
		s.at++
	}
	return s.text[start:s.at]
}

func (s *scanner) spaces() {
	for s.at < len(s.text) && isSpace(s.text[s.at]) {
		s.at++
	}
}

// keywords are the names that the language defines, without its functions. vars is a
// variable of the server.
var keywords = []string{
	"true", "false", "null", "in", "vars",
	"bool", "bytes", "double", "dyn", "google", "int", "list", "map", "null_type", "string", "type", "uint",
}

func isKeyword(name string) bool { return slices.Contains(keywords, name) }
