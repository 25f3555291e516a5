package eventpath

import (
	"strings"
	"unicode"
)

// NameProblem tells what is wrong with the name of an event, "" if nothing is. The server
// compares names byte for byte, so that such a name matches no event that is sent without
// the mistake.
func NameProblem(name string) string {
	if strings.TrimSpace(name) == name && !strings.ContainsFunc(name, unicode.IsControl) {
		return ""
	}
	return "has white space around it or control characters in it; remove them"
}
