// Package demotest runs the programs of the examples in tests.
package demotest

import (
	"bytes"
	"os"
	"regexp"
	"testing"

	"github.com/inngestkit/inngestkit/examples/internal/database"
	"github.com/inngestkit/inngestkit/examples/internal/database/databasetest"
	"github.com/inngestkit/inngestkit/examples/internal/demo"
)

// Run runs a program to its end on a database of its own, and requires lines of output, in
// this order. Each is a regular expression for a part of a line.
func Run(t *testing.T, p demo.Program, lines ...string) {
	t.Helper()
	var out bytes.Buffer
	databaseURL := "" // files, one for each service
	if os.Getenv(database.URLEnv) != "" {
		databaseURL = databasetest.URL(t)
	}
	status := demo.Run(t.Context(), p, databaseURL, &out)
	t.Log(out.String())
	if status != 0 {
		t.Fatalf("the program has exited with %d", status)
	}
	rest := out.Bytes()
	for _, line := range lines {
		at := regexp.MustCompile(line + "[^\n]*\n").FindIndex(rest)
		if at == nil {
			t.Fatalf("the output lacks a line, after the ones before it: %s", line)
		}
		rest = rest[at[1]:]
	}
}
