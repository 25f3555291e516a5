package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// readyTimeout limits the start of the workers, which takes less than a second.
const readyTimeout = 30 * time.Second

// A story is one run of the demonstration.
type story struct {
	out     *watchedWriter
	logger  *slog.Logger
	server  *devserver.Server
	config  devserver.Config
	workers map[string]*exec.Cmd // in processes of their own, so that signals are real
}

// run shows workers that share the work, one that drains, and a server that restarts.
func run(ctx context.Context, out io.Writer) error {
	config := devserver.Config{Progress: out, RetryInterval: time.Second}
	return play(ctx, out, config, (*story).drain, (*story).restart)
}

// play starts the server and three workers, plays parts of the story, and stops everything.
func play(ctx context.Context, out io.Writer, config devserver.Config, parts ...func(*story, context.Context) error) (err error) {
	watched := newWatchedWriter(out)
	s := &story{out: watched, logger: newLogger(watched), config: config, workers: map[string]*exec.Cmd{}}
	if err := s.startServer(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stopAll()) }()
	if err := s.startWorkers(ctx, "a", "b", "c"); err != nil {
		return err
	}
	for _, part := range parts {
		if err := part(s, ctx); err != nil {
			return err
		}
	}
	return nil
}

// drain stops a worker in the middle of its work.
func (s *story) drain(ctx context.Context) error {
	s.logger.Info("STORY: six videos for three workers, of which each takes two at a time")
	events, err := s.upload(ctx, "video-1", "video-2", "video-3", "video-4", "video-5", "video-6")
	if err != nil {
		return err
	}
	name, err := s.out.await(ctx, regexp.MustCompile(`msg=transcoding worker=(\w+)`))
	if err != nil {
		return err
	}
	s.logger.Info("STORY: SIGTERM for a worker in the middle of its work", "worker", name)
	if err := s.stopWorkers(name); err != nil {
		return err
	}
	if err := s.awaitCompleted(ctx, events); err != nil {
		return err
	}
	s.logger.Info("STORY: all six are transcoded")
	return nil
}

// restart kills the server and starts it again.
func (s *story) restart(ctx context.Context) error {
	s.logger.Info("STORY: the server is killed and started again")
	if err := s.server.Kill(); err != nil {
		return err
	}
	if err := s.startServer(ctx); err != nil {
		return err
	}
	if err := s.server.AwaitFunctions(ctx, "videos-transcode"); err != nil { // the workers announce it
		return err
	}
	events, err := s.upload(ctx, "video-7", "video-8")
	if err != nil {
		return err
	}
	if err := s.awaitCompleted(ctx, events); err != nil {
		return err
	}
	s.logger.Info("STORY: the workers have reconnected, and transcoded two more")
	return nil
}

// startServer starts the server, on the same port as before. If it fails, s.server stays the
// one before, which can be stopped again.
func (s *story) startServer(ctx context.Context) error {
	server, err := devserver.Start(ctx, s.config)
	if err != nil {
		return err
	}
	s.server = server
	if strings.Contains(s.server.Logs(), "could not listen for grpc") {
		return errors.Join(s.server.Stop(), errors.New("another server v1.12.1 has the ports 50052 and 50053; stop it"))
	}
	address, err := url.Parse(s.server.URL())
	if err != nil {
		return errors.Join(err, s.server.Stop())
	}
	s.config.Port, err = strconv.Atoi(address.Port())
	return err
}

// startWorkers starts workers, and returns when they are ready. They see no variables that
// the shell has for other apps.
func (s *story) startWorkers(ctx context.Context, names ...string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("a worker is not ready after %s", readyTimeout))
	defer cancel()
	program, err := os.Executable()
	if err != nil {
		return err
	}
	environ := slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "INNGEST_") })
	var probes []string
	for _, name := range names {
		probe, err := freeAddress(ctx)
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(context.WithoutCancel(ctx), program, "worker") //nolint:gosec // this program
		cmd.Env = append(slices.Clone(environ), "INNGEST_DEV="+s.server.URL(), "INNGEST_CONNECT_MAX_WORKER_CONCURRENCY=2",
			"WORKER_NAME="+name, "PROBE_ADDRESS="+probe, "WORK_TIME=1s")
		cmd.Stdout, cmd.Stderr = s.out, s.out
		if err := cmd.Start(); err != nil {
			return err
		}
		s.workers[name] = cmd
		probes = append(probes, probe)
	}
	for _, probe := range probes {
		if err := awaitReady(ctx, probe); err != nil {
			return err
		}
	}
	return nil
}

// stopWorkers stops workers as an orchestrator does, and returns when they have drained.
func (s *story) stopWorkers(names ...string) error {
	var errs []error
	for _, name := range names {
		if err := s.workers[name].Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, err)
		}
	}
	for _, name := range names {
		if err := s.workers[name].Wait(); err != nil {
			errs = append(errs, fmt.Errorf("worker %s: %w", name, err))
		}
		delete(s.workers, name)
	}
	return errors.Join(errs...)
}

// stopAll stops what still runs.
func (s *story) stopAll() error {
	return errors.Join(s.stopWorkers(slices.Collect(maps.Keys(s.workers))...), s.server.Stop())
}

// upload sends the events of a web application.
func (s *story) upload(ctx context.Context, names ...string) ([]string, error) {
	var ids []string
	for _, name := range names {
		id, err := s.server.Send(ctx, videoUploaded.Name(), Video{Name: name})
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func (s *story) awaitCompleted(ctx context.Context, events []string) error {
	for _, event := range events {
		runs, err := s.server.AwaitRuns(ctx, event, 1)
		if err != nil {
			return err
		}
		if runs[0].Status != devserver.RunCompleted {
			return fmt.Errorf("run %s is %s: %s", runs[0].RunID, runs[0].Status, runs[0].Output)
		}
	}
	return nil
}
