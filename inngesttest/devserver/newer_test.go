package devserver

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// answeredBy returns a server that responds to GET requests, by path, with the texts in
// order, and then always with the last one.
func answeredBy(t *testing.T, answers map[string][]string) *Server {
	t.Helper()
	stub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		texts := answers[r.URL.Path]
		if len(texts) == 0 {
			http.NotFound(w, r)
			return
		}
		if len(texts) > 1 {
			answers[r.URL.Path] = texts[1:]
		}
		_, _ = w.Write([]byte(texts[0]))
	}))
	t.Cleanup(stub.Close)
	return &Server{
		cfg: new(Config), ports: ports{api: stub.Listener.Addr().(*net.TCPAddr).Port},
		proc: &process{done: make(chan struct{})}, log: newTailBuffer(1), http: stub.Client(),
	}
}

// These are responses of v1.43.0 about a run that continues after a failed step: at first
// without a list, then with the state of its trace, and twice when it has ended.
func TestRunsThatGoOn(t *testing.T) {
	t.Parallel()
	const event, run = "01M8H37EDY0PWKQ5MV4A5QACBH", "01M8H37EEY2ZP0GY0B5A7K1JYC"
	item := func(status, end string) string {
		return `{"run_id":"` + run + `","event_id":"` + event + `","function_id":"f","status":"` + status + `",` +
			`"run_started_at":"2026-11-28T12:00:00Z","output":null,"ended_at":` + end + `}`
	}
	const end = `"2026-11-28T12:00:05Z"`
	failed, completed := item("Failed", "null"), item("Completed", end)
	s := answeredBy(t, map[string][]string{
		"/v1/events/" + event + "/runs": {
			`{}`, `{"data":[` + failed + `]}`, `{"data":[` + item("Completed", "null") + `]}`, `{"data":[` + completed + `,` + completed + `]}`,
		},
		"/v1/runs/" + run: {`{"data":` + item("Running", "null") + `}`, `{"data":` + failed + `}`, `{"data":` + completed + `}`},
		"/v0/gql":         {`{"data":{"functions":[{"id":"f","slug":"app-f","name":"F","config":"{\"a\":1}"}]}}`},
	})
	ctx := testContext(t)
	runs, err := s.Runs(ctx, event)
	require.NoError(t, err)
	require.Len(t, runs, 1, "an answer without a list is asked for again")
	require.Equal(t, RunRunning, runs[0].Status)
	require.False(t, runs[0].Ended())
	require.Empty(t, runs[0].Output)

	runs, err = s.Runs(ctx, event)
	require.NoError(t, err)
	require.Equal(t, RunRunning, runs[0].Status, "a run without an end has not ended, whatever its status")

	runs, err = s.AwaitRuns(ctx, event, 1)
	require.NoError(t, err)
	require.Len(t, runs, 1, "a run that is listed twice is one run")
	require.Equal(t, RunCompleted, runs[0].Status)
	require.Equal(t, "app-f", runs[0].Function)
	require.WithinDuration(t, time.Date(2026, 11, 28, 12, 0, 5, 0, time.UTC), runs[0].EndedAt, 0)
}

// This is a response of v1.43.0 about a run whose trace it was still writing, and which
// its REST API did not know yet: a queued run with an end time.
func TestRunsOfThatAreQueued(t *testing.T) {
	t.Parallel()
	const functions = `{"data":{"functions":[{"id":"f","slug":"app-f","name":"F","config":"{\"a\":1}"}]}}`
	list := func(status string) string {
		return `{"data":{"runs":{"edges":[{"node":{"id":"r","functionID":"f","status":"` + status + `","startedAt":"2026-11-28T12:00:00Z",` +
			`"endedAt":"2026-11-28T12:00:05Z","triggerIDs":["e"]}}],"pageInfo":{"hasNextPage":false}}}}`
	}
	s := answeredBy(t, map[string][]string{
		"/v0/gql": {functions, list("QUEUED"), functions, list("RUNNING"), functions, list("COMPLETED")},
	})
	runs, err := s.RunsOf(testContext(t), "app-f")
	require.NoError(t, err)
	require.Equal(t, RunRunning, runs[0].Status)
	require.False(t, runs[0].Ended())
	runs, err = s.AwaitRunsOf(testContext(t), "app-f", 1)
	require.NoError(t, err)
	require.Equal(t, RunCompleted, runs[0].Status)
	require.True(t, runs[0].Ended())
}

// Servers list a run before they can load it. It has not ended then.
func TestRunsThatAreNotLoaded(t *testing.T) {
	t.Parallel()
	s := answeredBy(t, map[string][]string{
		"/v1/events/e/runs": {`{"data":[{"run_id":"r"}]}`},
		"/v1/runs/r": {
			`{"error":"Unable to load function run: r","data":null,"status":500}`,
			`{"data":{"run_id":"r","function_id":"f","status":"Completed","ended_at":"2026-11-28T12:00:05Z"}}`,
		},
		"/v0/gql": {`{"data":{"functions":[{"id":"f","slug":"app-f","name":"F","config":"{}"}]}}`},
	})
	runs, err := s.Runs(testContext(t), "e")
	require.NoError(t, err)
	require.Equal(t, []Run{{RunID: "r", EventID: "e", Status: RunRunning}}, runs)
	runs, err = s.AwaitRuns(testContext(t), "e", 1)
	require.NoError(t, err)
	require.Equal(t, RunCompleted, runs[0].Status)
}

func TestRunsWithoutAList(t *testing.T) {
	t.Parallel()
	s := answeredBy(t, map[string][]string{"/v1/events/x/runs": {`{}`}})
	_, err := s.Runs(testContext(t), "x")
	require.ErrorContains(t, err, "has no list of runs")
}

// These are traces of one run from both versions: a step that fails and is retried, one
// that waits, and the last call.
func TestMergeSteps(t *testing.T) {
	t.Parallel()
	const (
		group  = `{"name":"flaky","status":"COMPLETED","stepOp":"RUN","stepID":"1","attempts":1,"childrenSpans":[{"status":"FAILED","attempts":0},{"status":"COMPLETED","attempts":1}]}`
		first  = `{"name":"flaky","status":"FAILED","stepOp":"RUN","stepID":"1","attempts":0,"childrenSpans":[]}`
		second = `{"name":"flaky","status":"COMPLETED","stepOp":"RUN","stepID":"1","attempts":1,"childrenSpans":[]}`
		wait   = `{"name":"answer","status":"COMPLETED","stepOp":"WAIT_FOR_EVENT","stepID":"2","attempts":0,"childrenSpans":[]}`
		sleep  = `{"name":"nap","status":"COMPLETED","stepOp":"SLEEP","stepID":"3","attempts":null,"childrenSpans":[]}`
		last   = `{"name":"Finalization","status":"COMPLETED","stepOp":null,"stepID":null,"attempts":0,"childrenSpans":[]}`
		// The only attempt of a failing step, and a function that fails and continues.
		only      = `{"name":"boom","status":"FAILED","stepOp":null,"stepID":"4","attempts":0,"childrenSpans":[]}`
		finalized = `{"name":"Finalization","status":"COMPLETED","stepOp":"RUN","stepID":"5","attempts":1,"childrenSpans":[{"status":"FAILED","attempts":0},{"status":"COMPLETED","attempts":1}]}`
	)
	flaky, answer := Step{"flaky", "COMPLETED", 2}, Step{"answer", "COMPLETED", 1}
	for name, test := range map[string]struct {
		spans []string
		want  []Step
	}{
		"v1.12.1":                    {[]string{group, wait, sleep, last}, []Step{flaky, answer, {"nap", "COMPLETED", 1}}},
		"v1.43.0":                    {[]string{group, first, second, wait, sleep, last}, []Step{flaky, answer, {"nap", "COMPLETED", 1}}},
		"attempts only":              {[]string{first, second, wait}, []Step{flaky, answer}},
		"attempts in another order":  {[]string{wait, second, first}, []Step{answer, flaky}},
		"failed so far":              {[]string{first}, []Step{{"flaky", "FAILED", 1}}},
		"same name, another step":    {[]string{first, strings.ReplaceAll(second, `"stepID":"1"`, `"stepID":"9"`)}, []Step{{"flaky", "FAILED", 1}, {"flaky", "COMPLETED", 1}}},
		"no step yet":                {[]string{last}, []Step{}},
		"a step's only try":          {[]string{only, last}, []Step{{"boom", "FAILED", 1}}},
		"a function that goes on":    {[]string{wait, finalized}, []Step{answer}},
		"later attempt in one group": {[]string{strings.ReplaceAll(group, `"status":"COMPLETED","stepOp"`, `"status":"RUNNING","stepOp"`), first}, []Step{{"flaky", "RUNNING", 2}}},
	} {
		var spans []stepSpan
		require.NoError(t, json.Unmarshal([]byte("["+strings.Join(test.spans, ",")+"]"), &spans))
		require.Equal(t, test.want, mergeSteps(spans), name)
	}
}

// A server that cannot read its database because it writes to it is asked again.
func TestLockedDatabase(t *testing.T) {
	t.Parallel()
	s := answeredBy(t, map[string][]string{"/v0/gql": {
		`{"errors":[{"message":"database is locked (5) (SQLITE_BUSY)"}],"data":null}`,
		`{"data":{"functions":[{"id":"f","slug":"app-f","name":"F","config":"{}"}],"apps":[]}}`,
	}})
	require.NoError(t, s.AwaitFunctions(testContext(t), "app-f"))
}
