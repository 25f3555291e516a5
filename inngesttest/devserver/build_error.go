package devserver

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// A goError is the error of a go command.
type goError struct {
	command string // such as go build
	err     error
	output  string // the end of it
}

func (e *goError) Error() string {
	return fmt.Sprintf("%s: %v; its last output:\n%s", e.command, e.err, strings.TrimSpace(e.output))
}

func (e *goError) Unwrap() error { return e.err }

var (
	// tooOld matches the go command's error for a go.mod that requires a newer Go. It
	// names GOTOOLCHAIN only if that prevents the download of the newer Go.
	tooOld = regexp.MustCompile(`requires go >= (\S+) \(running go ([^\s;)]+)(; GOTOOLCHAIN=)?`)
	// noModules matches errors of the go command and of the network.
	noModules = regexp.MustCompile(`dial tcp|no such host|connection refused|i/o timeout|TLS handshake timeout|` +
		`proxyconnect|GOPROXY=off|x509:|40[347] [A-Z]|5\d\d [A-Z]|unrecognized import path`)
)

// advise adds the reason of a failed build, and the alternatives.
func (r recipe) advise(err error) error {
	return fmt.Errorf("%w\n%s%s", err, r.reason(err), r.alternatives())
}

// reason says why the build failed, if the go command's output is known.
func (r recipe) reason(err error) string {
	goErr, ok := errors.AsType[*goError](err)
	if !ok {
		return ""
	}
	if m := tooOld.FindStringSubmatch(goErr.output); m != nil {
		cure := "a newer one could not be downloaded. Install it."
		if m[3] != "" {
			cure = "GOTOOLCHAIN forbids downloading a newer one. Install it, or set GOTOOLCHAIN=auto."
		}
		return fmt.Sprintf("The server %s needs Go %s or newer; this is Go %s, and %s\n", r.version, m[1], m[2], cure)
	}
	if noModules.MatchString(goErr.output) {
		return "The build could not download Go modules. Check the network and the variable GOPROXY.\n"
	}
	return ""
}

// alternatives says how to get a server without this build.
func (r recipe) alternatives() string {
	ways := []string{
		"install the Inngest CLI (npm install -g inngest-cli), which is found on PATH unless " + VersionEnv + " is set",
		"copy /bin/inngest out of the container image inngest/inngest and name it in " + PathEnv + " or Config.Binary",
	}
	for _, other := range versions {
		if other != r.version {
			ways = append(ways, fmt.Sprintf("set %s=%s to build that version", VersionEnv, other))
		}
	}
	return "Other ways to a server: " + strings.Join(ways, "; or ") + "."
}
