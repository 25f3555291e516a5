package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// storyTimeout limits a story, which takes seconds.
const storyTimeout = 2 * time.Minute

// logTail is the number of bytes of each log shown after a failure.
const logTail = 4 << 10

// A session is one run of a program.
type session struct {
	program Program
	keep    bool
	out     *transcript
	log     *lines
	server  *devserver.Server
	urls    map[string]string // of the services
}

func newSession(p Program, keep bool, stdout io.Writer) *session {
	return &session{program: p, keep: keep, out: newTranscript(stdout), log: &lines{}, urls: map[string]string{}}
}

// run does everything in order. When it returns, everything it has started has ended.
func (s *session) run(ctx context.Context, databaseURL string) (err error) {
	dir, err := os.MkdirTemp("", s.program.Name+"-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s.server, err = devserver.Start(ctx, devserver.Config{
		RetryInterval: time.Second, // the server's own back-off begins at 10 s
		Progress:      s.out,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.server.Stop()) }()
	s.out.notef("%s\nInngest server: %s", s.program.About, s.server.URL())

	group, ctx := errgroup.WithContext(ctx)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for _, name := range slices.Sorted(maps.Keys(s.program.Services)) {
		// The file need not survive a power failure, so nothing waits for the disk.
		database := cmp.Or(databaseURL, filepath.Join(dir, name+".db?_pragma=synchronous(OFF)"))
		if err := s.start(ctx, group, name, database); err != nil {
			stop()
			return errors.Join(err, group.Wait())
		}
	}
	group.Go(func() error {
		defer stop() // the services
		return s.tell(ctx)
	})
	return group.Wait()
}

// start starts a service on a free port.
func (s *session) start(ctx context.Context, group *errgroup.Group, name, database string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.urls[name] = "http://" + listener.Addr().String()
	s.out.notef("%s: %s", name, s.urls[name])
	env := Env{
		ServerURL:  s.server.URL(),
		Listener:   listener,
		Database:   database,
		Logger:     slog.New(slog.NewTextHandler(s.log, nil)).With("service", name),
		Transcript: s.out.middleware(name),
	}
	group.Go(func() error {
		// The service closes it, unless it fails before that.
		defer func() { _ = listener.Close() }()
		err := s.program.Services[name](ctx, env)
		if err == nil && ctx.Err() == nil {
			err = errors.New("it ended by itself")
		}
		if err != nil {
			return fmt.Errorf("service %s: %w", name, err)
		}
		return nil
	})
	return nil
}

// tell runs the story. With -keep, it then waits until ctx is done.
func (s *session) tell(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, storyTimeout)
	defer cancel()
	if err := s.awaitApps(within); err != nil {
		return err
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	visitor := &Visitor{session: s, client: &http.Client{Transport: transport}}
	if err := s.program.Story(within, visitor); err != nil {
		return err
	}
	if s.keep {
		s.out.notef("everything keeps running; Ctrl-C stops it")
		<-ctx.Done()
	}
	return nil
}

// awaitApps waits until the server knows the functions of all services.
func (s *session) awaitApps(ctx context.Context) error {
	for {
		apps, err := s.server.Apps(ctx)
		if err != nil {
			return err
		}
		known := map[string]bool{}
		for _, app := range apps {
			known[app.Name] = app.Error == ""
		}
		missing := slices.DeleteFunc(slices.Sorted(maps.Keys(s.program.Services)), func(name string) bool { return known[name] })
		if len(missing) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server does not know the apps %q: %w", missing, context.Cause(ctx))
		case <-time.After(pollEvery):
		}
	}
}

// logs returns the end of the logs of the server and of the services.
func (s *session) logs() string {
	if s.server == nil {
		return ""
	}
	return fmt.Sprintf("\nlogged by the Inngest server:\n%s\nlogged by the application:\n%s",
		tail(s.server.Logs()), tail(s.log.String()))
}

func tail(text string) string { return text[max(0, len(text)-logTail):] }
