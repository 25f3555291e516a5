package expr

import (
	"strconv"
	"strings"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// liftedRoot is the variable whose fields replace literals.
const liftedRoot = "vars"

// letters are the names of those fields. Further literals stay.
const letters = "abcdefghijklmnopqrstuvwxyz"

// lift replaces the literals of an expression by fields of vars, before it is parsed, as
// github.com/inngest/expr does. Text keeps its escape sequences: "a\"b" has four characters.
// v1.12.1 lifts text only, v1.43.0 also decimal numbers outside of brackets. Comments are
// removed. An expression that contains "vars." stays as it is.
func lift(v version.Version, text string) (lifted string, vars map[string]any, err error) {
	if strings.Contains(text, liftedRoot+".") {
		return text, nil, nil
	}
	l := lifter{version: v, rest: text, vars: map[string]any{}}
	for l.rest != "" {
		if err := l.next(); err != nil {
			return "", nil, err
		}
	}
	return strings.TrimSpace(l.out.String()), l.vars, nil
}

// A lifter reads an expression from left to right.
type lifter struct {
	version version.Version
	rest    string // what is still to read
	out     strings.Builder
	last    byte // the byte before rest, or the end of its replacement
	depth   int  // of brackets
	vars    map[string]any
}

// next reads a literal, a comment or a byte.
func (l *lifter) next() error {
	c := l.rest[0]
	switch {
	case strings.HasPrefix(l.rest, "//"):
		end := strings.IndexByte(l.rest, '\n')
		if end < 0 {
			end = len(l.rest)
		}
		l.rest = l.rest[end:]
	case c == '"' || c == '\'':
		return l.text(c)
	case l.version == version.Oldest:
		l.copy(1)
	case c == '.' && !isWord(l.last) && len(l.rest) > 1 && isDigit(l.rest[1]):
		l.number(1+digits(l.rest[1:]), true)
	case isDigit(c) && !isWord(l.last) && l.depth <= 0 && !isPrefixed(l.rest):
		l.decimal()
	default:
		switch c {
		case '[':
			l.depth++
		case ']':
			l.depth--
		}
		l.copy(1)
	}
	return nil
}

// text lifts a text in quotes.
func (l *lifter) text(quote byte) error {
	end := textEnd(l.version, l.rest, quote)
	switch {
	case end < len(l.rest):
		l.replace(l.rest[1:end], end+1)
	case l.version == version.Oldest:
		return &CompileError{errUnterminated}
	default:
		l.replace(strings.TrimSuffix(l.rest[1:], string(quote)), end)
	}
	return nil
}

// textEnd returns the index of the quote that ends the text at the start of s, len(s)
// without one.
func textEnd(v version.Version, s string, quote byte) int {
	i := 1
	for i < len(s) && s[i] != quote {
		// v1.12.1 does not know \\: in "a\\" the second backslash escapes the quote.
		if s[i] == '\\' && i+1 < len(s) && (v == version.Newest || s[i+1] == quote) {
			i++
		}
		i++
	}
	return i
}

// decimal lifts an integer or a number with a fraction, or copies one that ends in u.
func (l *lifter) decimal() {
	n := digits(l.rest)
	if n < len(l.rest) && (l.rest[n] == 'u' || l.rest[n] == 'U') {
		l.copy(n + 1)
		return
	}
	isFloat := n+1 < len(l.rest) && l.rest[n] == '.' && isDigit(l.rest[n+1])
	if isFloat {
		n += 1 + digits(l.rest[n+1:])
	}
	l.number(n, isFloat)
}

// number lifts the number in the first n bytes and its exponent.
func (l *lifter) number(n int, isFloat bool) {
	if n < len(l.rest) && (l.rest[n] == 'e' || l.rest[n] == 'E') {
		isFloat = true
		n++
		if n < len(l.rest) && (l.rest[n] == '+' || l.rest[n] == '-') {
			n++
		}
		n += digits(l.rest[n:])
	}
	var value any
	var err error
	if isFloat {
		value, err = strconv.ParseFloat(l.rest[:n], 64)
	} else {
		value, err = strconv.ParseInt(l.rest[:n], 10, 64)
	}
	if err != nil {
		l.copy(n)
		return
	}
	l.replace(value, n)
}

// replace writes a variable instead of the first n bytes, or the value itself if the
// letters are used up.
func (l *lifter) replace(value any, n int) {
	l.rest = l.rest[n:]
	replacement := literal(value)
	if n := len(l.vars); n < len(letters) {
		l.vars[letters[n:n+1]] = value
		replacement = liftedRoot + "." + letters[n:n+1]
	}
	l.out.WriteString(replacement)
	l.last = replacement[len(replacement)-1]
}

func literal(value any) string {
	switch v := value.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return strconv.Quote(v.(string))
	}
}

func (l *lifter) copy(n int) {
	l.out.WriteString(l.rest[:n])
	l.last = l.rest[n-1]
	l.rest = l.rest[n:]
}

// isPrefixed reports whether s begins with a number such as 0x1f.
func isPrefixed(s string) bool { return s[0] == '0' && len(s) > 1 && isLetter(s[1]) }

func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isWord(c byte) bool   { return isDigit(c) || isLetter(c) || c == '_' }
