package demo

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/fatih/color"
)

// The participants.
const (
	you    = "you"
	server = "server"
	theApp = "app"
)

// A printer prints the story, in color if the output is a terminal.
type printer struct {
	colours map[string]*color.Color

	mu    sync.Mutex
	out   io.Writer
	start time.Time // when the story began
}

func newPrinter(out io.Writer) *printer {
	p := &printer{out: out, colours: map[string]*color.Color{
		you:     color.New(color.FgCyan),
		server:  color.New(color.FgMagenta),
		theApp:  color.New(color.FgGreen),
		"bold":  color.New(color.Bold),
		"faint": color.New(color.Faint),
		"good":  color.New(color.FgGreen, color.Bold),
		"bad":   color.New(color.FgRed, color.Bold),
	}}
	if terminal, ok := out.(*stdout); ok {
		// The library has checked that this is a terminal, and NO_COLOR. Its writer also
		// supports the terminals of Windows.
		terminal.to = color.Output
		return p
	}
	for _, c := range p.colours {
		c.DisableColor()
	}
	return p
}

// paint colors text.
func (p *printer) paint(colour, text string) string { return p.colours[colour].Sprint(text) }

// line prints a line unchanged.
func (p *printer) line(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// A failure to print cannot be reported.
	_, _ = fmt.Fprintln(p.out, text)
}

func (p *printer) title(text string) { p.line(p.paint("bold", text) + "\n") }
func (p *printer) note(text string)  { p.line(p.paint("faint", text)) }

// begin starts the clock of the story.
func (p *printer) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.start = time.Now()
}

// actf prints what a participant does. subject is the function, if any.
func (p *printer) actf(who, subject, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	elapsed := time.Since(p.start).Seconds()
	if p.start.IsZero() {
		elapsed = 0
	}
	if subject != "" {
		subject = fmt.Sprintf("%-16s  ", subject)
	}
	_, _ = fmt.Fprintf(p.out, "%s  %s  %s%s\n",
		p.paint("faint", fmt.Sprintf("%6.2fs", elapsed)), p.paint(who, fmt.Sprintf("%-6s", who)),
		p.paint("faint", subject), fmt.Sprintf(format, args...))
}

// failure prints an error and the end of the logs.
func (p *printer) failure(err error, logs string) {
	p.line(p.paint("faint", logs) + p.paint("bad", "failed: ") + err.Error())
}

// progress returns a writer that prints lines as notes.
func (p *printer) progress() io.Writer { return progressWriter{p} }

type progressWriter struct{ *printer }

func (w progressWriter) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(bytes.TrimSpace(b))) {
		w.note(strings.TrimRight(line, "\n"))
	}
	return len(b), nil
}
