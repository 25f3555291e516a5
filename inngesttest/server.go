package inngesttest

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
	// logTail is how much of the server's output is kept, in bytes.
	logTail = 64 << 10
	// stopGrace is how long the server has to end when asked. In dev mode it
	// needs milliseconds. The self-hosted mode would take 30 s, to drain a queue
	// that is thrown away with the server.
	stopGrace = time.Second
	// portAttempts bounds how often the server is started anew because somebody
	// took its port between our choice and its use.
	portAttempts = 5
)

// Server is a running Inngest server. Its methods may be called from several
// goroutines. Use [StartServer], or [NewServer] in a test, to get one.
type Server struct {
	cfg    ServerConfig
	binary ServerBinary
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

// StartServer starts the Inngest server on 127.0.0.1 and returns when it
// answers. ctx bounds the finding (see [FindServer]), the starting and nothing
// later: the server runs until [Server.Stop]. On Linux it also dies with this
// process, however that ends; if it is killed, the server's temporary directory stays.
//
// Any number of servers may run on one machine at once, each with state of its
// own in a temporary directory. [OldestVersion] has fixed ports, 50052 and 50053,
// for functions served through Connect (WebSocket): a second server of that
// version logs that they are taken, and works without Connect.
//
// If the server ends early, or ctx does, the error carries the end of its log.
func StartServer(ctx context.Context, cfg ServerConfig) (*Server, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("inngesttest: %w", err)
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("inngesttest: starting the Inngest server: %w", context.Cause(ctx))
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
		return nil, fmt.Errorf("inngesttest: %w", err)
	}
	warnUntested(binary, cfg.Progress)
	for attempt := 1; ; attempt++ {
		s, err := start(ctx, cfg, binary, about)
		if err == nil {
			return s, nil
		}
		if cfg.Port != 0 || attempt == portAttempts || !errors.Is(err, errPortTaken) {
			return nil, fmt.Errorf("inngesttest: starting the %s: %w", binary, err)
		}
	}
}

func (c *ServerConfig) find(ctx context.Context) (ServerBinary, error) {
	switch {
	case c.Version != "":
		return BuildServer(ctx, c.Version, c.Progress)
	case c.Binary == "":
		return FindServer(ctx, c.Progress)
	}
	path, err := executable(c.Binary)
	if err != nil {
		return ServerBinary{}, fmt.Errorf(
			"inngesttest: ServerConfig.Binary must name an executable of the Inngest server: %w", err)
	}
	return newServerBinary(ctx, path, "")
}

// start starts the server once, on ports that are free.
func start(ctx context.Context, cfg ServerConfig, binary ServerBinary, about probed) (*Server, error) {
	chosen, err := choosePorts(ctx, cfg.Port, about)
	if err != nil {
		return nil, err
	}
	return startOn(ctx, cfg, binary, chosen)
}

// startOn starts the server once, on the ports.
func startOn(ctx context.Context, cfg ServerConfig, binary ServerBinary, chosen ports) (_ *Server, err error) {
	state, err := temporaryDirectory("inngest-server-")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(configFile(state), []byte("{}\n"), 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(state))
	}
	s := &Server{
		cfg: cfg, binary: binary, ports: chosen, identity: rand.Text(), state: state, log: newTailBuffer(logTail),
		http: &http.Client{Transport: &http.Transport{}},
	}
	lines := newLineWriter(s.logLine(append(cfg.secrets(), s.identity)))
	//nolint:gosec,noctx // G204: running the program that the caller names is the purpose; it outlives ctx, and Stop ends it
	cmd := exec.Command(binary.Path, cfg.args(state, chosen)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = state, cfg.env(state, s.identity), lines, lines
	s.proc, err = startProcess(cmd, func() {
		lines.flush()
		_ = os.RemoveAll(state) // Stop reports what is left
	})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(state))
	}
	if err := s.awaitHealthy(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// configFile is the path of the server's empty configuration file.
func configFile(state string) string { return filepath.Join(state, "empty.json") }

// URL is the base URL of the server's API, such as http://127.0.0.1:40123. It
// is what an app in dev mode takes as the address of its dev server.
func (s *Server) URL() string {
	return "http://" + net.JoinHostPort(loopback, strconv.Itoa(s.ports.api))
}

// Binary says which executable runs.
func (s *Server) Binary() ServerBinary { return s.binary }

// Version is the version that the server reports, such as v1.43.0; empty if it
// reports none. [OldestVersion] and [NewestVersion] are tested.
func (s *Server) Version() string { return s.binary.Version }

// Logs returns the end of the server's output, up to 64 KiB, without the keys
// of the self-hosted mode.
func (s *Server) Logs() string { return s.log.String() }

// Done is closed when the server has ended, through [Server.Stop] or by itself,
// and its temporary directory is gone.
func (s *Server) Done() <-chan struct{} { return s.proc.done }

// Stop ends the server, by force if it has not ended after a second, and
// returns when it has. Its state is gone then. Further calls do nothing and
// return what the first did.
func (s *Server) Stop() error {
	s.stopping.Store(true)
	s.stop.Do(func() { s.stopErr = s.end() })
	return s.stopErr
}

// logLine returns the function that takes in one line of the server's output.
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
			// A log that cannot be written is no reason to stop the server.
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
		return fmt.Errorf("inngesttest: stopping the Inngest server: %w", err)
	}
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case <-s.proc.done:
	case <-grace.C:
		if err := kill(s.proc.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("inngesttest: killing the Inngest server: %w", err)
		}
		<-s.proc.done
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
		return fmt.Errorf("inngesttest: the Inngest server's directory %s could not be removed", s.state)
	}
	return nil
}
