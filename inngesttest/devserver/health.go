package devserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// healthPoll and healthPollMax are the first and the longest interval of health
	// checks of a starting server.
	healthPoll    = 10 * time.Millisecond
	healthPollMax = 200 * time.Millisecond
	// startTimeout limits the start of a server, in addition to the context. It takes
	// a fraction of a second on an idle machine.
	startTimeout = time.Minute
)

// errPortTaken means that another process has the server's port.
var errPortTaken = errors.New("the port was taken by another process")

// awaitHealthy waits until the server responds, and checks that it is the one we
// started.
func (s *Server) awaitHealthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("it did not respond within %s", startTimeout))
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
			return fmt.Errorf("%w (last response: %w); the end of its log:\n%s", context.Cause(ctx), last, s.Logs())
		case <-time.After(wait):
		}
	}
}

// earlyExit returns the error of a server that ended before it responded.
func (s *Server) earlyExit() error {
	log := s.Logs()
	err := fmt.Errorf("it ended before it responded (%s); the end of its log:\n%s", s.proc.cmd.ProcessState, log)
	if s.ports.chosenTaken(log) {
		return fmt.Errorf("%w: %w", errPortTaken, err)
	}
	return err
}

// identify checks that the response came from our process. Another server that took our
// port first would respond, too, until our process notices and ends.
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
		return fmt.Errorf("%w: the server at %s was not started by us (%w)", errPortTaken, s.URL(), err)
	}
}

// isOurs reports whether the server is the one we started. In the self-hosted mode
// only ours accepts our random event key; no event is sent. The dev server accepts
// any key, but reports its ports; one that has no page for them is probably ours.
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
	if port := info.StartOpts.ConnectGatewayPort; err == nil && port != s.ports.gateway {
		return fmt.Errorf("its Connect gateway has port %d, ours %d", port, s.ports.gateway)
	}
	return err
}
