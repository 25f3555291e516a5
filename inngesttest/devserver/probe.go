package devserver

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// probeTimeout limits the probe of an executable. The server's takes a tenth of a second.
const probeTimeout = 20 * time.Second

// probed is what an executable reports about itself.
type probed struct {
	// version is the version that `inngest version` prints, such as v1.43.0, or "" if it
	// does not print one.
	version string
	// help is the output of `inngest dev --help`.
	help string
}

// takes reports whether the server knows the flag.
func (p probed) takes(flag string) bool { return strings.Contains(p.help, flag+" ") }

// probes caches results by executable. A probe takes longer than starting a server.
var probes sync.Map // of probeKey to probed

// A probeKey identifies one state of an executable.
type probeKey struct {
	path     string
	size     int64
	modified time.Time
}

// probe runs the executable to get its version and flags. Unexpected output is not an
// error, but no output within [probeTimeout], or before the end of ctx, is one.
func probe(ctx context.Context, path string) (probed, error) {
	info, err := os.Stat(path) //nolint:gosec // G703: running what the environment names is the purpose
	if err != nil {
		return probed{}, err
	}
	key := probeKey{path, info.Size(), info.ModTime()}
	if known, ok := probes.Load(key); ok {
		return known.(probed), nil
	}
	home, err := temporaryDirectory("inngest-probe-")
	if err != nil {
		return probed{}, err
	}
	defer func() { _ = os.RemoveAll(home) }()
	limited, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	version := ask(limited, home, path, "version")
	answer := probed{version: versionIn(version), help: ask(limited, home, path, "dev", "--help")}
	if ctx.Err() != nil {
		return probed{}, fmt.Errorf("asking the Inngest server %s for its version: %w; it printed %q",
			path, context.Cause(ctx), version)
	}
	if limited.Err() != nil {
		return probed{}, fmt.Errorf("%s did not respond to `inngest version` and `inngest dev --help` within %s; "+
			"is it the Inngest server? It printed %q", path, probeTimeout, version)
	}
	probes.Store(key, answer)
	return answer, nil
}

// temporaryDirectory creates a directory for a server's files.
func temporaryDirectory(pattern string) (string, error) {
	dir, err := os.MkdirTemp("", pattern)
	if err != nil {
		return "", fmt.Errorf("creating a temporary directory for the Inngest server; TMPDIR must be writable: %w", err)
	}
	return dir, nil
}

// ask returns the output of a command, at most the last 64 KiB, regardless of its exit
// status.
func ask(ctx context.Context, home, path string, args ...string) string {
	//nolint:gosec // G204: running the program that the caller names is the purpose
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env = home, surroundings(home)
	cmd.Cancel = func() error { return kill(cmd.Process) }
	out := newTailBuffer(logTail)
	cmd.Stdout, cmd.Stderr = out, io.Discard
	p, err := startProcess(cmd, func() {})
	if err != nil {
		return ""
	}
	<-p.done
	return out.String()
}

// versionLine is a line of `inngest version`: the version and, after a hyphen, the
// commit, if known. 1.43.0-e7b1e6e64, for example, or dev- for a build without a
// version.
var versionLine = regexp.MustCompile(`(?m)^v?(\d+\.\d+\.\d+(?:-[\w.]+?)??|dev)(?:-[0-9a-f]*)?\r?$`)

// versionIn returns the version in the output of `inngest version`, or "".
func versionIn(output string) string {
	match := versionLine.FindStringSubmatch(output)
	if match == nil {
		return ""
	}
	if unicode.IsDigit(rune(match[1][0])) {
		return "v" + match[1]
	}
	return match[1]
}

// tested reports whether inngestkit is tested on the version.
func tested(version string) bool { return slices.Contains(versions, version) }

// warned holds the versions that warnUntested has warned about.
var warned sync.Map

// warnUntested warns once for each version that inngestkit is not tested on.
func warnUntested(binary Binary, progress io.Writer) {
	if tested(binary.Version) {
		return
	}
	if _, before := warned.LoadOrStore(binary.Version, true); before {
		return
	}
	problem, cure := "inngestkit is not tested on this version", fmt.Sprintf("set %s=%s", VersionEnv, DefaultVersion)
	if binary.Version == "" {
		problem = "this program reports no version; is it the Inngest server?"
	}
	if binary.Source == SourceEnv {
		cure = fmt.Sprintf("unset %s and %s", PathEnv, cure)
	}
	if binary.Source == "" {
		cure = "set Config.Version instead of Config.Binary"
	}
	// The server starts even if the warning cannot be written.
	_, _ = fmt.Fprintf(progress, "devserver: warning: %s: %s. Tested are %s; to build a tested one, %s.\n",
		problem, binary, strings.Join(versions, " and "), cure)
}
