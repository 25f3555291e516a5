package demo

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// introduce prints who takes part, and starts the clock.
func (s *session) introduce() {
	actor := func(who, format string, args ...any) {
		s.out.line(s.out.paint(who, fmt.Sprintf("%-6s", who)) + "  " + fmt.Sprintf(format, args...))
	}
	actor(server, "decides what runs when, and stores every result: %s", s.server.URL())
	actor(theApp, "does the work, when the server calls it: %s/api/inngest", s.appURL)
	actor(you, "use the app, and do not see the server")
	s.out.note(fmt.Sprintf("\nThe server's program: %s\n", s.server.Binary()))
	s.out.begin()
}

// conclude prints what was checked, and what it means.
func (s *session) conclude(all []expected, calls int) {
	s.out.line("\n" + s.out.paint("good", "checked with the server's API:") +
		" both runs are Completed, with the right output and these steps")
	for _, want := range all {
		s.out.line("  " + want.function)
		for _, step := range want.steps {
			s.out.line(fmt.Sprintf("      %-24s%s", step.name, step.how()))
		}
	}
	s.out.line(fmt.Sprintf(`
The server called %s %d times. Each call starts the function from the
top, with the results of the completed steps. Those are skipped, the next step
runs, and the call ends. So each step ran once, and only the one that failed ran
again. Between the calls the app keeps nothing of the run: it can sleep for days,
and the app may be restarted.`, welcomeFunction, calls))
}

func (s expectedStep) how() string {
	switch {
	case s.times == 2:
		return "ran twice: it failed and was retried"
	case s.code:
		return "ran once"
	default:
		return "once, by the server"
	}
}

// linger leaves everything running until ctx ends.
func (s *session) linger(ctx context.Context) error {
	s.out.line(fmt.Sprintf(`
Everything is still running.
    app               %s
    inngest endpoint  %s/api/inngest
    server            %s
    server's UI       %s
Sign up another user, and verify with the ID from the response:
    curl %s/users -H 'Content-Type: application/json' -d '{"email":"bob@example.com"}'
    curl -X POST %s/users/USER-ID/verify
%s stops everything.
`, s.appURL, s.appURL, s.server.URL(), s.ui(ctx), s.appURL, s.appURL, s.out.paint("bold", "Ctrl-C")))
	<-ctx.Done()
	return context.Cause(ctx)
}

// ui returns the address of the server's web interface, or why it has none. A server
// built from the Go module responds with an empty page.
func (s *session) ui(ctx context.Context) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.server.URL(), nil)
	if err == nil {
		var resp *http.Response
		if resp, err = s.client.Do(req); err == nil {
			defer func() { _ = resp.Body.Close() }()
			if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
				return s.server.URL()
			}
		}
	}
	if s.server.Binary().Source == devserver.SourcePath {
		return "this Inngest CLI has none"
	}
	return "none: its web pages are not in the Go module; install the Inngest CLI for it"
}
