package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/inngestkit/inngestkit/core/step"
)

// A Report is what an app process tells the ledger, before and after the body of a step.
type Report struct {
	App      string `json:"app"`
	Function string `json:"function"`
	Run      string `json:"run"`
	Step     string `json:"step"`
	Finished bool   `json:"finished"`
	// Memoized means that the server has passed the step's result back with a call.
	Memoized bool `json:"memoized"`
}

// An Order is the ledger's answer to a report.
type Order string

const (
	// Continue lets the step go on.
	Continue Order = ""
	// Die kills the process.
	Die Order = "die"
	// Fail makes the step return an error.
	Fail Order = "fail"
)

var errOrdered = errors.New("the laboratory wants this step to fail")

// ledger is the ledger of another process.
type ledger struct {
	app, url string
	quiet    bool
	client   *http.Client
	memoized sync.Map // the memoized steps that were reported, a *sync.Map for each run
}

func newLedger(cfg Config) *ledger {
	return &ledger{app: cfg.Name, url: cfg.Ledger, quiet: cfg.Quiet, client: &http.Client{Timeout: time.Minute}}
}

// step runs a step of a run. If the server has its result, the body does not run, and the
// ledger learns it.
func (l *ledger) step(ctx context.Context, function, run, id string, body func(context.Context) (string, error)) (string, error) {
	var ran atomic.Bool
	result, err := step.Run(ctx, id, func(ctx context.Context) (string, error) {
		ran.Store(true)
		return body(ctx)
	})
	if err != nil || ran.Load() || l.quiet {
		return result, err
	}
	steps, _ := l.memoized.LoadOrStore(run, new(sync.Map))
	if _, reported := steps.(*sync.Map).LoadOrStore(id, true); reported {
		return result, nil
	}
	_, err = l.report(context.WithoutCancel(ctx), Report{App: l.app, Function: function, Run: run, Step: id, Memoized: true})
	return result, err
}

// forget frees what is kept of a run that has ended.
func (l *ledger) forget(run string) { l.memoized.Delete(run) }

// run is the body of a step: it reports its start and its end, and does what it is ordered to.
func (l *ledger) run(ctx context.Context, function, run, id string, work func(context.Context) (string, error)) (string, error) {
	if l.quiet {
		return work(ctx)
	}
	report := Report{App: l.app, Function: function, Run: run, Step: id}
	if err := l.obey(ctx, report); err != nil {
		return "", err
	}
	result, err := work(ctx)
	if err != nil {
		return "", err
	}
	report.Finished = true
	return result, l.obey(ctx, report)
}

func (l *ledger) obey(ctx context.Context, report Report) error {
	order, err := l.report(context.WithoutCancel(ctx), report)
	if err != nil {
		return err
	}
	switch order {
	case Continue:
		return nil
	case Die:
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			return err
		}
		select {} // the signal ends the process here
	case Fail:
		return errOrdered
	default:
		return fmt.Errorf("the ledger gave the unknown order %q", order)
	}
}

func (l *ledger) report(ctx context.Context, report Report) (Order, error) {
	body, err := json.Marshal(report)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var order Order
	if err := json.NewDecoder(resp.Body).Decode(&order); err != nil {
		return "", fmt.Errorf("the ledger answered %s: %w", resp.Status, err)
	}
	return order, nil
}
