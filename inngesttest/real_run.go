package inngesttest

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the protocol's choice
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/core/testhooks"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// A record is what calls of an app show of a run on the real server. The server's own trace
// has less, and later.
type record struct {
	mu     sync.Mutex
	began  time.Time
	calls  int
	events []inngestkit.RawEvent
	steps  []*StepRecord
	rows   []row
}

// body is the part of a call's body that a record needs.
type body struct {
	Context struct {
		RunID       string `json:"run_id"`
		Attempt     int    `json:"attempt"`
		MaxAttempts int    `json:"max_attempts"`
	} `json:"ctx"`
	Events []inngestkit.RawEvent      `json:"events"`
	Steps  map[string]json.RawMessage `json:"steps"`
}

// handle serves the apps of the test to the server.
func (r *realServer) handle(w http.ResponseWriter, req *http.Request) {
	r.touch(1)
	defer r.touch(-1)
	r.mu.Lock()
	do := r.apps[req.URL.Path]
	r.mu.Unlock()
	if do == nil {
		http.NotFound(w, req)
		return
	}
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return // the server has hung up
	}
	req.Body = io.NopCloser(bytes.NewReader(raw))
	ctx := r.env.context()
	var call body
	if req.Method == http.MethodPost && json.Unmarshal(raw, &call) == nil && call.Context.RunID != "" {
		ctx = r.record(call.Context.RunID).begin(ctx, r.roundTrip, call)
	}
	adapter.HTTPHandler("inngesttest", do).ServeHTTP(w, req.WithContext(mergeContext(req.Context(), ctx)))
}

// mergeContext returns ctx with the hooks of another context.
func mergeContext(ctx, hooks context.Context) context.Context {
	return testhooks.NewContext(ctx, testhooks.From(hooks))
}

func (r *realServer) record(runID string) *record {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.records[runID] == nil {
		r.records[runID] = &record{began: time.Now()}
	}
	return r.records[runID]
}

// begin notes a call, and returns the context with which it is recorded.
func (rec *record) begin(ctx context.Context, roundTrip transport, call body) context.Context {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.calls++
	number := rec.calls
	rec.events = call.Events
	rec.settle(call.Steps)
	attempt := func(n int) string { return fmt.Sprintf("%d/%d", n, call.Context.MaxAttempts) }
	return testhooks.NewContext(ctx, &testhooks.Hooks{
		RoundTrip: roundTrip,
		EnterStep: func(_ context.Context, s testhooks.Step) {
			rec.mu.Lock()
			defer rec.mu.Unlock()
			if _, isNew := rec.step(s); isNew && s.Kind != kindRun {
				rec.add(number, s.ID, "", s.Kind)
			}
			rec.settle(call.Steps)
		},
		RunStep: func(ctx context.Context, s testhooks.Step, callback func(context.Context) (any, error)) (value any, err error) {
			err = errors.New("panicked") // unless callback returns
			defer func() {
				rec.mu.Lock()
				defer rec.mu.Unlock()
				known, _ := rec.step(s)
				known.Attempts++
				rec.add(number, s.ID, attempt(known.Attempts), rec.end(known, value, err, call))
			}()
			return callback(ctx)
		},
	})
}

// end notes how an attempt at a step ended, and returns that as a text.
func (rec *record) end(s *StepRecord, value any, err error, call body) string {
	if err != nil {
		s.Errors = append(s.Errors, err.Error())
		if inngestkit.IsNoRetry(err) || call.Context.Attempt+1 >= call.Context.MaxAttempts {
			s.Ended, s.Err = true, step.Error{Name: errorName, Message: err.Error()}
		}
		return "error: " + err.Error()
	}
	s.Ended = true
	if s.Output, err = json.Marshal(value); err != nil {
		return "error: " + err.Error()
	}
	return "ok " + string(s.Output)
}

func (rec *record) add(call int, step, attempt, text string) {
	rec.rows = append(rec.rows, row{at: time.Since(rec.began), call: call, step: step, attempt: attempt, text: text})
}

// step returns the record of a step, which it makes if there is none.
func (rec *record) step(s testhooks.Step) (_ *StepRecord, isNew bool) {
	for _, known := range rec.steps {
		if known.ID == s.ID && known.Index == s.Index {
			return known, false
		}
	}
	known := &StepRecord{ID: s.ID, Index: s.Index, Kind: s.Kind}
	rec.steps = append(rec.steps, known)
	return known, true
}

// settle takes over the results that the server has sent.
func (rec *record) settle(results map[string]json.RawMessage) {
	for _, known := range rec.steps {
		result, ok := results[stepKey(known.ID, known.Index)]
		if !ok {
			continue
		}
		settled := newStepRecord(known.ID, known.Index, known.Kind, result)
		settled.Attempts, settled.Errors = known.Attempts, known.Errors
		*known = settled
	}
}

// stepKey returns the key of a step in the protocol.
func stepKey(id string, index int) string {
	if index > 0 {
		id += ":" + strconv.Itoa(index)
	}
	sum := sha1.Sum([]byte(id)) //nolint:gosec // the protocol's choice
	return hex.EncodeToString(sum[:])
}

// realRun is a run on the real server.
type realRun struct {
	r   *realServer
	run devserver.Run
}

func (r *realServer) handleOf(run devserver.Run) handle { return realRun{r, run} }

func (h realRun) id() string   { return h.run.RunID }
func (h realRun) slug() string { return h.run.Function }

func (h realRun) cancel() error {
	h.r.touch(0)
	return h.r.server.Cancel(h.r.query(), h.run.RunID)
}

// refresh returns the run as the server has it now.
func (h realRun) refresh() devserver.Run {
	if h.run.Ended() {
		return h.run
	}
	// The context of the test is done when its cleanup prints the run.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.r.query()), 5*time.Second)
	defer cancel()
	if run, err := h.r.server.Run(ctx, h.run.RunID); err == nil {
		return run
	}
	return h.run
}

func (h realRun) ended() bool { return h.state().status.Ended() }

func (h realRun) state() runState {
	run := h.refresh()
	s := runState{status: RunStatus(run.Status), output: run.Output}
	rec := h.r.record(run.RunID)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	s.calls, s.events = rec.calls, rec.events
	for _, known := range rec.steps {
		s.steps = append(s.steps, *known)
		if !known.Ended && !run.Ended() {
			s.waiting = append(s.waiting, fmt.Sprintf("step %q (%s)", known.ID, known.Kind))
		}
	}
	return s
}

func (h realRun) timeline() string {
	run := h.refresh()
	rec := h.r.record(run.RunID)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	heading := fmt.Sprintf("run %s of %s: %s %s", run.RunID, run.Function, run.Status, strings.TrimSpace(string(run.Output)))
	return table(heading, slices.Clone(rec.rows))
}
