package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"syscall"
	"time"
)

// A Report is what an app process tells the ledger, before and after the body of a step.
type Report struct {
	App      string `json:"app"`
	Function string `json:"function"`
	Run      string `json:"run"`
	Step     string `json:"step"`
	Finished bool   `json:"finished"`
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
}

func newLedger(cfg Config) *ledger {
	return &ledger{cfg.Name, cfg.Ledger, cfg.Quiet, &http.Client{Timeout: time.Minute}}
}

// run is the body of a step: it reports its start and its end, and does what it is ordered to.
func (l *ledger) run(ctx context.Context, function, run, step, result string) (string, error) {
	if l.quiet {
		return result, nil
	}
	report := Report{App: l.app, Function: function, Run: run, Step: step}
	if err := l.obey(ctx, report); err != nil {
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
