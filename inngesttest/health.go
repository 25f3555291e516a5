package inngesttest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
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
func (s *Server) awaitHealthy(ctx context.Context, gatewayPort int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("it did not answer within %s", startTimeout))
	defer cancel()
	var last error
	for wait := healthPoll; ; wait = min(2*wait, healthPollMax) {
		if last = s.call(ctx, http.MethodGet, "/health", nil, nil); last == nil {
			return s.identify(ctx, gatewayPort)
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
	// The texts of Unix and Windows.
	if strings.Contains(log, "address already in use") || strings.Contains(log, "Only one usage of each socket address") {
		// A taken Connect port alone does not end a server.
		return fmt.Errorf("%w: %w", errPortTaken, err)
	}
	return err
}

// identify makes sure that the answer came from our process. A stranger that
// got our port a moment before us would answer just as well, until our process
// notices and ends.
func (s *Server) identify(ctx context.Context, gatewayPort int) error {
	var info struct {
		StartOpts struct {
			ConnectGatewayPort int `json:"connectGatewayPort"`
		} `json:"startOpts"`
	}
	err := s.call(ctx, http.MethodGet, "/dev", nil, &info)
	switch {
	case err == nil && (info.StartOpts.ConnectGatewayPort == gatewayPort || info.StartOpts.ConnectGatewayPort == 0):
		return nil
	case s.ended():
		return s.earlyExit()
	case ctx.Err() != nil:
		return context.Cause(ctx)
	default:
		// Another server's port or, in the self-hosted mode, another server's keys.
		return fmt.Errorf("%w: %s is answered by a server that we did not start", errPortTaken, s.URL())
	}
}
