package load_test

import (
	"bytes"
	"crypto/sha1" // the server names steps by their SHA-1
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// callers is how many calls are made at the same time.
const callers = 32

// An app that is called without a pause keeps answering, and its memory, goroutines and
// files stay flat.
func TestSyntheticLoad(t *testing.T) {
	t.Parallel()
	for _, framework := range slices.Sorted(maps.Keys(testsite.Frameworks)) {
		t.Run(framework, func(t *testing.T) {
			l := lab.New(t, lab.Config{Framework: framework, App: func(_ int, cfg *app.Config) { cfg.Quiet = true }})
			process := l.Processes[0]
			caller := newSynthetic(t, "http://"+process.Addr+"/api/inngest?fnId="+lab.AppID+"-"+app.Steps)
			caller.load(t, *loadTime/5) // until memory has grown to what the load needs
			caller.taken = latencies{}
			gauges := course(t, process, func() { caller.load(t, *loadTime/sections) })
			used, calls := gauges.last().CPU-gauges[0].CPU, caller.taken.len()
			t.Logf("%d calls in %s, %d/s; %s; %s of processor time a call", calls, *loadTime,
				int(float64(calls)/loadTime.Seconds()), &caller.taken, used/time.Duration(calls))
			gauges.requireFlat(t, process)
		})
	}
}

// synthetic plays the server for one call that is repeated.
type synthetic struct {
	url    string
	body   []byte
	client *http.Client
	taken  latencies
}

func newSynthetic(t *testing.T, url string) *synthetic {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}, Timeout: testsite.Timeout}
	t.Cleanup(client.CloseIdleConnections)
	return &synthetic{url: url, body: callBody(t), client: client}
}

// load calls for some time.
func (s *synthetic) load(t *testing.T, d time.Duration) {
	t.Helper()
	var failed atomic.Pointer[string]
	end := time.Now().Add(d)
	var running sync.WaitGroup
	for range callers {
		running.Go(func() {
			for time.Now().Before(end) && failed.Load() == nil {
				begun := time.Now()
				if problem := s.call(t); problem != "" {
					failed.Store(&problem)
				}
				s.taken.add(time.Since(begun))
			}
		})
	}
	running.Wait()
	if problem := failed.Load(); problem != nil {
		require.Fail(t, "a call failed", *problem)
	}
}

// call makes the call, and says what is wrong with the response.
func (s *synthetic) call(t *testing.T) string {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, bytes.NewReader(s.body))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	if resp.StatusCode != http.StatusPartialContent || !bytes.Contains(body, []byte("four(load)")) {
		return fmt.Sprintf("%s: %s", resp.Status, body)
	}
	return ""
}

// callBody returns the call of a run whose first three steps are memoized.
func callBody(t *testing.T) []byte {
	t.Helper()
	event := map[string]any{"name": app.Steps, "id": "01J000000000000000000EVENT", "ts": 1, "data": app.Data{Item: "load"}}
	steps, stack := map[string]any{}, []string{}
	for _, id := range app.StepsOf(app.Steps, app.Original)[:3] {
		sum := sha1.Sum([]byte(id))
		hash := hex.EncodeToString(sum[:])
		steps[hash] = map[string]any{"type": "data", "data": id + "(load)"}
		stack = append(stack, hash)
	}
	body, err := json.Marshal(map[string]any{
		"event": event, "events": []any{event}, "steps": steps, "version": 2, "use_api": false,
		"ctx": map[string]any{
			"run_id": "01J0000000000000000000RUN1", "fn_id": "00000000-0000-4000-8000-000000000001", "step_id": "step", "attempt": 0,
			"stack": map[string]any{"stack": stack, "current": len(stack)},
		},
	})
	require.NoError(t, err)
	return body
}
