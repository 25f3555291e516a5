package adaptertest

import "fmt"

// maxQuoted is how much of a value a failed test shows.
const maxQuoted = 500

// quoted is a value as a failed test shows it.
func quoted(v any) string {
	s := fmt.Sprintf("%#v", v)
	if len(s) > maxQuoted {
		return fmt.Sprintf("%s… (%d bytes)", s[:maxQuoted], len(s))
	}
	return s
}
