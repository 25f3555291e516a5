package devserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// pollEvery is the interval of requests to the server, which cannot notify us.
const pollEvery = 100 * time.Millisecond

// AwaitRuns waits until n runs triggered by the event have ended, and returns all
// runs of the event. Retries, sleeps and waits keep a run from ending. If ctx ends
// first, the error describes the last known state of the runs.
func (s *Server) AwaitRuns(ctx context.Context, eventID string, n int) ([]Run, error) {
	runs, err := s.awaitRuns(ctx, n, func() ([]Run, error) { return s.Runs(ctx, eventID) })
	if err != nil {
		return runs, fmt.Errorf("devserver: waiting for %d runs of the event %s to end: %w", n, eventID, err)
	}
	return runs, nil
}

// AwaitRunsOf waits until n runs of the function with the slug have ended, with any
// trigger, and returns all its runs, like [Server.RunsOf]. Use it, for example, for runs
// of a schedule.
func (s *Server) AwaitRunsOf(ctx context.Context, slug string, n int) ([]Run, error) {
	runs, err := s.awaitRuns(ctx, n, func() ([]Run, error) { return s.RunsOf(ctx, slug) })
	if err != nil {
		return runs, fmt.Errorf("devserver: waiting for %d runs of the function %s to end: %w", n, slug, err)
	}
	return runs, nil
}

func (s *Server) awaitRuns(ctx context.Context, n int, list func() ([]Run, error)) ([]Run, error) {
	var last []Run
	err := s.poll(ctx, func() (bool, error) {
		runs, err := list()
		if err != nil {
			return false, err
		}
		last = runs
		ended := 0
		for _, run := range runs {
			if run.Ended() {
				ended++
			}
		}
		return ended >= n, nil
	})
	if err != nil {
		return last, fmt.Errorf("%w; last seen: %s", err, describe(last))
	}
	return last, nil
}

// describe lists runs for an error.
func describe(runs []Run) string {
	if len(runs) == 0 {
		return "no run"
	}
	texts := make([]string, len(runs))
	for i, run := range runs {
		texts[i] = run.String()
	}
	return strings.Join(texts, "; ")
}

// poll calls ask until it returns true or an error, or ctx or the server ends. It ignores
// connection errors: either the server has ended, or it will respond again. It also ignores
// that the server's database is locked, which passes.
func (s *Server) poll(ctx context.Context, ask func() (bool, error)) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		ok, err := ask()
		switch {
		case ctx.Err() != nil && (err != nil || !ok):
			// The error of an interrupted call is useless.
			return context.Cause(ctx)
		case ok:
			return nil
		case err != nil && !unreachable(err) && !locked(err):
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.proc.done:
			return s.explain(errors.New("nothing more will happen"))
		case <-tick.C:
		}
	}
}

// unreachable reports whether err comes from the connection to the server.
func unreachable(err error) bool {
	_, network := errors.AsType[*net.OpError](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// locked reports whether the server could not read its SQLite database because it was writing
// to it. In the self-hosted mode its API returns such errors instead of waiting.
func locked(err error) bool { return strings.Contains(err.Error(), "SQLITE_BUSY") }
