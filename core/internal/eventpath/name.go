package eventpath

import (
	"strings"
	"unicode"
)

// NameProblem returns what is wrong with the name of an event, "" if nothing. The server
// compares names byte for byte, so a name with such a mistake does not match events that
// are sent without it.
func NameProblem(name string) string {
	if strings.TrimSpace(name) == name && !strings.ContainsFunc(name, unicode.IsControl) {
		return ""
	}
	return "has white space around it or control characters in it; remove them"
}
