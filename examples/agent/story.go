package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/examples/agent/internal/fakemodel"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// A story is one run of the example: an Inngest server, the app, a customer and a human who
// approves.
type story struct {
	out    *output
	logger *slog.Logger
	server *devserver.Server
	client *http.Client
	url    string // of the app
}

// run plays the story with an Inngest server of its own.
func run(ctx context.Context, out io.Writer, model Model) (err error) {
	server, err := devserver.Start(ctx, devserver.Config{
		RetryInterval: time.Second, // the server's own back-off begins at 10 s
		Progress:      out,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	return play(ctx, out, server, model)
}

// play starts the app and, unless another model is configured, the fake one. It returns when the
// customer's question is answered and everything has stopped.
func play(ctx context.Context, out io.Writer, server *devserver.Server, model Model) error {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	printer := &output{to: out}
	s := &story{out: printer, logger: newLogger(printer), server: server, client: &http.Client{Transport: transport}}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		defer stop() // the others
		if model == (Model{}) {
			if model, err = s.startFakeModel(ctx, group); err != nil {
				return err
			}
		}
		if err := s.startApp(ctx, group, model); err != nil {
			return err
		}
		return s.tell(ctx)
	})
	return group.Wait()
}

func (s *story) startFakeModel(ctx context.Context, group *errgroup.Group) (Model, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return Model{}, err
	}
	model := Model{BaseURL: "http://" + listener.Addr().String() + "/v1", Key: "sk-fake", Name: "fake"}
	mux := http.NewServeMux()
	mux.Handle("POST /v1/chat/completions", &fakemodel.Model{Key: string(model.Key), Logger: s.logger})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = srv.Close() }) // nothing of it is lost
	group.Go(func() error {
		if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("fake model: %w", err)
		}
		return nil
	})
	return model, nil
}

func (s *story) startApp(ctx context.Context, group *errgroup.Group, model Model) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	// The address of the Inngest server differs in each run of this example. Other programs
	// call inngestkit.ConfigFromEnv.
	app, routes, err := newApp(inngestkit.Config{
		AppID: "agent", Dev: true, BaseURL: s.server.URL(), ServeHost: listener.Addr().String(), Logger: s.logger,
	}, model, NewShop(Order{ID: "1042", CustomerID: "customer-7", Item: "teapot", Cents: 4900}))
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	s.url = "http://" + listener.Addr().String()
	group.Go(func() error { return serve(ctx, app, routes, listener) })
	return s.server.AwaitFunctions(ctx, "agent-answer-question")
}

// tell asks the question, and returns when the run has ended.
func (s *story) tell(ctx context.Context) error {
	var sent struct {
		EventID string `json:"eventId"`
	}
	question := Question{CustomerID: "customer-7", Text: fakemodel.Question}
	if err := s.call(ctx, http.MethodPost, "/questions", question, &sent); err != nil {
		return err
	}
	s.out.printf("customer: %s\n", question.Text)

	human, stop := context.WithCancel(ctx)
	approved := make(chan error, 1)
	go func() { approved <- s.approve(human) }()
	runs, err := s.server.AwaitRuns(ctx, sent.EventID, 1)
	stop()
	if err := errors.Join(err, <-approved); err != nil {
		return err
	}
	if runs[0].Status != devserver.RunCompleted {
		return fmt.Errorf("the run is %s: %s", runs[0].Status, runs[0].Output)
	}
	var answer Answer
	if err := json.Unmarshal(runs[0].Output, &answer); err != nil {
		return err
	}
	s.out.printf("agent, after %d rounds: %s\n", answer.Rounds, answer.Text)
	return s.printSteps(ctx, runs[0].RunID)
}

// approve approves everything, until ctx is done.
func (s *story) approve(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(200 * time.Millisecond):
		}
		var open []Approval
		err := s.call(ctx, http.MethodGet, "/approvals", nil, &open)
		for _, approval := range open {
			s.out.printf("human: approves %s of %s\n", approval.Tool, approval.Arguments)
			decision := Decision{Approved: true, By: "ann"}
			err = errors.Join(err, s.call(ctx, http.MethodPost, "/approvals/"+approval.ID, decision, nil))
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// printSteps prints the steps of the run, as the server has recorded them.
func (s *story) printSteps(ctx context.Context, runID string) error {
	steps, err := s.server.Steps(ctx, runID)
	if err != nil {
		return err
	}
	s.out.printf("\nsteps of the run, from the server's API:\n")
	for _, step := range steps {
		s.out.printf("  %-24s %s, attempts: %d\n", step.Name, step.Status, step.Attempts)
	}
	return nil
}

// call calls the app over HTTP.
func (s *story) call(ctx context.Context, method, path string, body, into any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // nothing more is read
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s", method, path, resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// output is shared by the story and by the logs.
type output struct {
	mu sync.Mutex
	to io.Writer
}

// Write implements [io.Writer].
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.to.Write(p)
}

// printf prints. A failure to print cannot be reported.
func (o *output) printf(format string, args ...any) { _, _ = fmt.Fprintf(o, format, args...) }
