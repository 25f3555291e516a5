package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// A session is one demonstration: a server, an app, and a user who signs up.
type session struct {
	app  App
	keep bool
	out  *printer

	server *devserver.Server
	watch  *watch
	appURL string
	client *http.Client
	appLog logTail

	unclean bool // something could not be stopped
}

// run does everything in order. When it returns, everything it has started has ended,
// unless s.unclean is set.
func (s *session) run(ctx context.Context) (err error) {
	s.out.title("inngestkit: a Gin app, the Inngest server, and a user who signs up")
	s.server, err = devserver.Start(ctx, devserver.Config{
		RetryInterval: time.Second, // the server's own back-off begins at 10 s
		Progress:      s.out.progress(),
	})
	if err != nil {
		return err
	}
	defer func() { s.stopped("the Inngest server", s.server.Stop()) }()

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	// The app closes it, unless it fails before that.
	defer func() { _ = listener.Close() }()
	s.appURL = "http://" + listener.Addr().String()

	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	s.client = &http.Client{Transport: transport}

	s.watch = newWatch(s.out)
	ctx, stop := s.serve(ctx, Env{
		ServerURL: s.server.URL(),
		Listener:  listener,
		Logger:    slog.New(slog.NewTextHandler(&s.appLog, nil)),
		Watch:     s.watch.handler,
	})
	defer stop()

	if err := s.tell(ctx); err != nil {
		return err
	}
	if s.keep {
		return s.linger(ctx)
	}
	return nil
}

// serve starts the app. It returns a context that ends with the app or the server, and a
// function that stops the app.
func (s *session) serve(ctx context.Context, env Env) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		err := guard(func() error { return s.app(ctx, env) })
		if ctx.Err() != nil {
			s.stopped("the app", err)
			return
		}
		if err == nil {
			err = errors.New("it gave no reason")
		}
		cancel(fmt.Errorf("the app ended by itself: %w", err))
	})
	running.Go(func() {
		select {
		case <-ctx.Done():
		case <-s.server.Done():
			cancel(errors.New("the Inngest server ended by itself"))
		}
	})
	return ctx, func() {
		cancel(context.Canceled)
		running.Wait()
	}
}

// ended reports whether the server has ended.
func (s *session) ended() bool {
	select {
	case <-s.server.Done():
		return true
	default:
		return false
	}
}

// stopped reports an error of stopping a part.
func (s *session) stopped(what string, err error) {
	if err != nil {
		s.unclean = true
		s.out.failure(fmt.Errorf("stopping %s: %w", what, err), "")
	}
}

// logs returns the end of the logs of the server and the app.
func (s *session) logs() string {
	var text string
	if s.server != nil {
		var tail logTail
		tail.add(s.server.Logs())
		text += tail.titled("the end of the server's log")
	}
	return text + s.appLog.titled("the end of the app's log")
}

// guard returns a panic as an error, so the program still cleans up and prints its logs.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return f()
}
