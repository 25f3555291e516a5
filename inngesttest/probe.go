package inngesttest

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// probeTimeout is how long an executable may take to say something about itself.
// The server's need a tenth of a second.
const probeTimeout = 20 * time.Second

// probed is what an executable says about itself.
type probed struct {
	// version is what `inngest version` prints, such as v1.43.0; empty if it
	// prints nothing of the kind.
	version string
	// help is what `inngest dev --help` prints.
	help string
}

// takes reports whether the server knows the flag.
func (p probed) takes(flag string) bool { return strings.Contains(p.help, flag+" ") }

// probes keeps what has been asked, by executable. Asking takes longer than
// starting a server.
var probes sync.Map // of probeKey to probed

// probeKey is an executable as it is now.
type probeKey struct {
	path     string
	size     int64
	modified time.Time
}

// probe asks the executable about itself. An unexpected answer is not an error; the
// end of ctx is.
func probe(ctx context.Context, path string) (probed, error) {
	info, err := os.Stat(path) //nolint:gosec // G703: running what the environment names is the purpose
	if err != nil {
		return probed{}, err
	}
	key := probeKey{path, info.Size(), info.ModTime()}
	if known, ok := probes.Load(key); ok {
		return known.(probed), nil
	}
	home, err := os.MkdirTemp("", "inngest-probe-")
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
	if limited.Err() == nil {
		probes.Store(key, answer)
	}
	return answer, nil
}

// ask returns what a command prints, at most the last 64 KiB, in whatever way it
// ends.
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

// versionIn finds the version in the output of `inngest version`. There it is followed
// by a hyphen and the commit, if known: 1.43.0-e7b1e6e64, or dev- for a build without
// a version.
func versionIn(output string) string {
	line, _, _ := strings.Cut(output, "\n")
	version := strings.TrimSpace(line)
	if i := strings.LastIndexByte(version, '-'); i >= 0 {
		version = version[:i]
	}
	if version == "" || strings.ContainsAny(version, " \t") {
		return ""
	}
	if '0' <= version[0] && version[0] <= '9' {
		version = "v" + version
	}
	return version
}

// tested reports whether inngestkit is tested on the version.
func tested(version string) bool { return slices.Contains(versions, version) }

// warned are the versions that warnUntested has spoken of.
var warned sync.Map

// warnUntested says once for each version that inngestkit is not tested on it.
func warnUntested(binary ServerBinary, progress io.Writer) {
	if tested(binary.Version) {
		return
	}
	if _, before := warned.LoadOrStore(binary.Version, true); before {
		return
	}
	// The server starts even if the warning cannot be written.
	_, _ = fmt.Fprintf(progress, "inngesttest: warning: inngestkit is not tested on this version, only on %s: %s. "+
		"It should work; set %s=%s to build a tested one.\n",
		strings.Join(versions, " and "), binary, VersionEnv, DefaultVersion)
}
