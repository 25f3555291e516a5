package devserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// loopback is the only address the server's API listens on.
	loopback = "127.0.0.1"
	// logTail is the number of bytes of the server's output that are kept.
	logTail = 64 << 10
	// portAttempts limits how often the server is restarted because another process
	// took its port between our choice and its use.
	portAttempts = 5
)

// Server is a running Inngest server. Start it with [Start], or with
// [New] in a test. It is safe for concurrent use.
type Server struct {
	cfg    *Config // a pointer, because fmt follows none in unexported fields
	binary Binary
	ports  ports
	// identity is an event key that only this server has.
	identity string
	state    string // removed when the process has ended
	proc     *process
	log      *tailBuffer
	http     *http.Client

	stop     sync.Once
	stopErr  error
	stopping atomic.Bool

	slugs slugCache
}

// Start starts the Inngest server on 127.0.0.1 and returns when it responds.
// ctx applies only to finding (see [Find]) and starting the server, which runs
// until [Server.Stop]. On Linux the server also ends when this process ends in any way;
// if this process is killed, the server's temporary directory remains.
//
// Any number of servers may run on one machine, each with its own state in a
// temporary directory. [OldestVersion] has fixed ports, 50052 and 50053, for
// functions served through Connect (WebSocket): a second server of that version logs
// that they are in use, and works without Connect.
//
// If the server or ctx ends early, the error contains the end of the server's log.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("devserver: %w", err)
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("devserver: starting the Inngest server: %w", context.Cause(ctx))
	}
	if cfg.Progress == nil {
		cfg.Progress = os.Stderr
	}
	binary, err := cfg.find(ctx)
	if err != nil {
		return nil, err
	}
	about, err := probe(ctx, binary.Path)
	if err != nil {
		return nil, fmt.Errorf("devserver: %w", err)
	}
	if err := cfg.checkState(binary, about); err != nil {
		return nil, fmt.Errorf("devserver: %w", err)
	}
	if cfg.StateDir != "" {
		// The server has a working directory of its own.
		if cfg.StateDir, err = filepath.Abs(cfg.StateDir); err != nil {
			return nil, fmt.Errorf("devserver: Config.StateDir: %w", err)
		}
	}
	warnUntested(binary, cfg.Progress)
	for attempt := 1; ; attempt++ {
		s, err := start(ctx, cfg, binary, about)
		if err == nil {
			return s, nil
		}
		if cfg.Port != 0 || attempt == portAttempts || !errors.Is(err, errPortTaken) {
			return nil, fmt.Errorf("devserver: starting the %s: %w", binary, err)
		}
	}
}

func (c *Config) find(ctx context.Context) (Binary, error) {
	switch {
	case c.Version != "":
		return Build(ctx, c.Version, c.Progress)
	case c.Binary == "":
		return Find(ctx, c.Progress)
	}
	path, err := executable(c.Binary)
	if err != nil {
		return Binary{}, fmt.Errorf(
			"devserver: Config.Binary must name an executable of the Inngest server: %w", err)
	}
	return newServerBinary(ctx, path, "")
}

// start starts the server once, on free ports.
func start(ctx context.Context, cfg Config, binary Binary, about probed) (*Server, error) {
	chosen, err := choosePorts(ctx, cfg.Port, about)
	if err != nil {
		return nil, err
	}
	return startOn(ctx, cfg, binary, chosen)
}

// startOn starts the server once, on the ports.
func startOn(ctx context.Context, cfg Config, binary Binary, chosen ports) (_ *Server, err error) {
	unlock := func() error { return nil }
	if cfg.StateDir != "" {
		if unlock, err = lockState(cfg.StateDir); err != nil {
			return nil, err
		}
	}
	state, err := temporaryDirectory("inngest-server-")
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	release := func() error { return errors.Join(os.RemoveAll(state), unlock()) }
	if err := os.WriteFile(configFile(state), []byte("{}\n"), 0o600); err != nil {
		return nil, errors.Join(err, release())
	}
	s := &Server{
		cfg: &cfg, binary: binary, ports: chosen, identity: rand.Text(), state: state, log: newTailBuffer(logTail),
		http: &http.Client{Transport: &http.Transport{}},
	}
	lines := newLineWriter(s.logLine(append(cfg.secrets(), s.identity)))
	//nolint:gosec,noctx // G204: running the program that the caller names is the purpose; it outlives ctx, and Stop ends it
	cmd := exec.Command(binary.Path, cfg.args(state, chosen)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = state, cfg.env(state, s.identity), lines, lines
	s.proc, err = startProcess(cmd, func() {
		lines.flush()
		_ = release() // Stop reports what is left
	})
	if err != nil {
		return nil, errors.Join(err, release())
	}
	if err := s.awaitHealthy(ctx); err != nil {
		return nil, errors.Join(err, s.Kill())
	}
	return s, nil
}

// configFile returns the path of the server's empty configuration file.
func configFile(state string) string { return filepath.Join(state, "empty.json") }

// URL returns the base URL of the server's API, such as http://127.0.0.1:40123. An
// app in dev mode uses it as the address of its dev server.
func (s *Server) URL() string {
	return "http://" + net.JoinHostPort(loopback, strconv.Itoa(s.ports.api))
}

// Binary returns the server's executable.
func (s *Server) Binary() Binary { return s.binary }

// Version returns the version that the server reports, such as v1.43.0, or "" if it
// reports none. [OldestVersion] and [NewestVersion] are tested.
func (s *Server) Version() string { return s.binary.Version }

// Logs returns the end of the server's output, up to 64 KiB, without the keys
// of the self-hosted mode.
func (s *Server) Logs() string { return s.log.String() }

// Done returns a channel that is closed when the server has ended, through
// [Server.Stop] or by itself, and its temporary directory is deleted.
func (s *Server) Done() <-chan struct{} { return s.proc.done }

// Stop ends the server and deletes its state. It kills the server after a second.
// Further calls return the result of the first.
//
// With [Config.StateDir] the state remains, and the server ends in its own time: in the
// self-hosted mode it waits for calls in progress, v1.12.1 up to 30 s even without any. Stop
// kills it after 70 s, and then returns an error.
func (s *Server) Stop() error {
	s.stopping.Store(true)
	s.stop.Do(func() { s.stopErr = s.end() })
	return s.stopErr
}

// Kill ends the server and its children at once, as a crash does: calls in progress are cut
// off. With [Config.StateDir] the state remains, as far as the server has stored it. Kill
// also ends a [Server.Stop] that waits. It returns when the process has ended.
func (s *Server) Kill() error {
	s.stopping.Store(true)
	if !s.ended() {
		if err := kill(s.proc.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("devserver: killing the Inngest server: %w", err)
		}
		<-s.proc.done
	}
	return s.Stop()
}

// logLine returns the function that processes one line of the server's output.
func (s *Server) logLine(secrets []string) func([]byte) {
	pairs := make([]string, 0, 2*len(secrets))
	for _, secret := range secrets {
		pairs = append(pairs, secret, "[redacted]")
	}
	redact := strings.NewReplacer(pairs...)
	return func(line []byte) {
		clean := []byte(redact.Replace(string(line)))
		_, _ = s.log.Write(clean)
		if s.cfg.Log != nil {
			// The server continues if its log cannot be written.
			_, _ = s.cfg.Log.Write(clean)
		}
	}
}

func (s *Server) end() error {
	defer s.http.CloseIdleConnections()
	if s.ended() {
		return s.leftover()
	}
	if err := terminate(s.proc.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("devserver: stopping the Inngest server: %w", err)
	}
	limit := stopGrace
	if s.cfg.StateDir != "" {
		limit = keepGrace
	}
	grace := time.NewTimer(limit)
	defer grace.Stop()
	select {
	case <-s.proc.done:
		return s.leftover()
	case <-grace.C:
	}
	if err := kill(s.proc.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("devserver: killing the Inngest server: %w", err)
	}
	<-s.proc.done
	if s.cfg.StateDir != "" {
		return errors.Join(s.leftover(), fmt.Errorf("devserver: the Inngest server did not end within %s and was killed; "+
			"the end of its log:\n%s", limit, s.Logs()))
	}
	return s.leftover()
}

func (s *Server) ended() bool {
	select {
	case <-s.proc.done:
		return true
	default:
		return false
	}
}

// leftover reports a state directory that could not be removed.
func (s *Server) leftover() error {
	if _, err := os.Stat(s.state); err == nil {
		return fmt.Errorf("devserver: the Inngest server's directory %s could not be removed", s.state)
	}
	return nil
}
