package devserver

import (
	"fmt"
	"strings"
	"sync"
)

// buildWatch reads the output of go build -v: a line for each package it compiles, and a
// line for each module it downloads.
type buildWatch struct {
	lines *lineWriter
	end   *tailBuffer

	mu         sync.Mutex
	downloaded int
	compiled   int
	last       string
}

func newBuildWatch() *buildWatch {
	w := &buildWatch{end: newTailBuffer(buildTail)}
	w.lines = newLineWriter(w.line)
	return w
}

// buildTail is the number of bytes at the end of a failed build's output that an error
// contains. go build writes errors last.
const buildTail = 4 << 10

func (w *buildWatch) Write(p []byte) (int, error) { return w.lines.Write(p) }

func (w *buildWatch) line(line []byte) {
	_, _ = w.end.Write(line) // writes to memory, which never fails
	text := strings.TrimSpace(string(line))
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case strings.HasPrefix(text, "go: downloading "):
		w.downloaded++
		w.last = strings.TrimPrefix(text, "go: ")
	case text != "" && !strings.ContainsAny(text, " :"): // a package path, not a compiler's message
		w.compiled++
		w.last = "compiling " + text
	}
}

// begin sets the status until go build writes output.
func (w *buildWatch) begin(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = what
}

// status describes the progress of the build in a few words.
func (w *buildWatch) status() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.last
	switch {
	case last == "":
		last = "no output yet"
	case strings.HasSuffix(last, " "+serverModule+"/cmd"):
		last = "linking"
	}
	return fmt.Sprintf("%d modules downloaded, %d packages compiled; %s", w.downloaded, w.compiled, last)
}

func (w *buildWatch) tail() string {
	w.lines.flush()
	return w.end.String()
}
