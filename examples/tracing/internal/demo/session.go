package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"golang.org/x/sync/errgroup"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// logTail is the number of bytes of the server's log shown after a failure.
const logTail = 4 << 10

// A session is one demonstration: an Inngest server, two services, and an order.
type session struct {
	keep   bool
	out    *output
	spans  *recorder
	log    *logLines
	server *devserver.Server
	client *http.Client
}

func newSession(keep bool, out *output) *session {
	return &session{keep: keep, out: out, spans: newRecorder(), log: &logLines{}}
}

// run does everything in order. When it returns, everything it has started has ended.
func (s *session) run(ctx context.Context, orders, shipping Service) (err error) {
	s.server, err = devserver.Start(ctx, devserver.Config{
		RetryInterval: time.Second, // the server's own back-off begins at 10 s
		Progress:      s.out,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.server.Stop()) }()
	s.out.printf("Inngest server  %s\n", s.server.URL())

	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	s.client = &http.Client{Transport: transport}

	group, ctx := errgroup.WithContext(ctx)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ordersURL, err := s.start(ctx, group, "orders", orders)
	if err == nil {
		_, err = s.start(ctx, group, "shipping", shipping)
	}
	group.Go(func() error {
		defer stop() // the services
		if err != nil {
			return err
		}
		return s.tell(ctx, ordersURL)
	})
	return group.Wait()
}

// logs returns the end of the server's log, and the log of the services.
func (s *session) logs() string {
	if s.server == nil {
		return ""
	}
	logs := s.server.Logs()
	return fmt.Sprintf("\nlogged by the Inngest server:\n%s\nlogged by the services:\n%s",
		logs[max(0, len(logs)-logTail):], s.log.with(""))
}

// start starts a service, which runs until ctx is done, and returns its URL.
func (s *session) start(ctx context.Context, group *errgroup.Group, name string, service Service) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	url := "http://" + listener.Addr().String()
	s.out.printf("%-14s  %s, metrics at %s/metrics\n", name, url, url)
	group.Go(func() error {
		// The service closes it, unless it fails before that.
		defer func() { _ = listener.Close() }()
		err := service(ctx, Env{
			ServerURL: s.server.URL(), Listener: listener, Log: s.log, Spans: []sdktrace.SpanProcessor{s.spans},
		})
		if err == nil && ctx.Err() == nil {
			err = errors.New("it ended by itself")
		}
		if err != nil {
			return fmt.Errorf("service %s: %w", name, err)
		}
		return nil
	})
	return url, nil
}
