package inngesttest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// healthPoll and healthPollMax are the first and the longest time between two
	// looks at a starting server.
	healthPoll    = 10 * time.Millisecond
	healthPollMax = 200 * time.Millisecond
	// startTimeout is how long a server may take to start, whatever the context
	// allows. It takes a fraction of a second on an idle machine.
	startTimeout = time.Minute
)

// errPortTaken says that somebody else got the server's port.
var errPortTaken = errors.New("the port was taken by another process")

// awaitHealthy waits until the server answers, and is the one we started.
func (s *Server) awaitHealthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("it did not answer within %s", startTimeout))
	defer cancel()
	var last error
	for wait := healthPoll; ; wait = min(2*wait, healthPollMax) {
		if last = s.call(ctx, http.MethodGet, "/health", nil, nil); last == nil {
			return s.identify(ctx)
		}
		if movedPort.MatchString(s.Logs()) {
			return fmt.Errorf("%w; the log says: %s", errPortTaken, s.Logs())
		}
		select {
		case <-s.proc.done:
			return s.earlyExit()
		case <-ctx.Done():
			return fmt.Errorf("%w (last answer: %w); the end of its log:\n%s", context.Cause(ctx), last, s.Logs())
		case <-time.After(wait):
		}
	}
}

// earlyExit describes a server that ended before it answered.
func (s *Server) earlyExit() error {
	log := s.Logs()
	err := fmt.Errorf("it ended before it answered (%s); the end of its log:\n%s", s.proc.cmd.ProcessState, log)
	if s.ports.chosenTaken(log) {
		return fmt.Errorf("%w: %w", errPortTaken, err)
	}
	return err
}

// identify makes sure that the answer came from our process. A stranger that
// got our port a moment before us would answer just as well, until our process
// notices and ends.
func (s *Server) identify(ctx context.Context) error {
	err := s.isOurs(ctx)
	switch {
	case err == nil:
		return nil
	case s.ended():
		return s.earlyExit()
	case ctx.Err() != nil:
		return context.Cause(ctx)
	default:
		return fmt.Errorf("%w: %s is answered by a server that we did not start (%w)", errPortTaken, s.URL(), err)
	}
}

// isOurs asks the server something that only the one we started knows. In the
// self-hosted mode that is an event key that we have made up; no event is sent.
// The dev server takes any key, but tells its ports; one that does not is taken
// for ours, as it is in all likelihood.
func (s *Server) isOurs(ctx context.Context) error {
	if s.cfg.selfHosted() {
		return s.call(ctx, http.MethodPost, eventPath+s.identity, []struct{}{}, nil)
	}
	var info struct {
		StartOpts struct {
			ConnectGatewayPort int `json:"connectGatewayPort"`
		} `json:"startOpts"`
	}
	err := s.call(ctx, http.MethodGet, "/dev", nil, &info)
	if status, ok := errors.AsType[*StatusError](err); ok && status.Status == http.StatusNotFound {
		return nil
	}
	if port := info.StartOpts.ConnectGatewayPort; err == nil && port != 0 && port != s.ports.gateway {
		return fmt.Errorf("its Connect gateway has port %d, ours %d", port, s.ports.gateway)
	}
	return err
}
