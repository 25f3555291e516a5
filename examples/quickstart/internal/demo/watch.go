package demo

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
)

// A watch prints the app's requests and responses. They show everything that happens
// between the Inngest server and the app: the server calls functions, and the app
// responds to each call with the step it has run.
type watch struct {
	out *printer

	mu   sync.Mutex
	runs map[string]*runLog // by the run's ID
}

func newWatch(out *printer) *watch { return &watch{out: out, runs: map[string]*runLog{}} }

// handler wraps the app's handler.
func (w *watch) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Query().Has("probe") {
			next.ServeHTTP(rw, r) // the server requests the functions, or the app checks its own endpoint
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		rec := &recorder{ResponseWriter: rw, status: http.StatusOK}
		function := r.URL.Query().Get("fnId")
		if function == "" { // not from the server
			w.out.actf(you, "", "%s", strings.TrimSpace("POST "+r.URL.Path+" "+string(body)))
			next.ServeHTTP(rec, r)
			did := "responds with"
			if rec.status == http.StatusAccepted {
				did = "sends the server an event, and responds with"
			}
			w.out.actf(theApp, "", "%s %d %s", did, rec.status, &rec.body)
			return
		}
		w.call(strings.TrimPrefix(function, appID+"-"), body, func() *recorder {
			next.ServeHTTP(rec, r)
			return rec
		})
	})
}

// call prints a call of a function and the response.
func (w *watch) call(function string, body []byte, do func() *recorder) {
	var call functionCall
	if err := json.Unmarshal(body, &call); err != nil {
		w.out.actf(server, function, "sends what is not a call: %v", err)
	}
	run := w.run(call.Context.RunID)
	w.out.actf(server, function, "%s", run.called(call))
	rec := do()
	for _, line := range run.responded(rec.status, rec.body.Bytes()) {
		w.out.actf(theApp, function, "%s", line)
	}
}

func (w *watch) run(id string) *runLog {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.runs[id] == nil {
		w.runs[id] = newRunLog(w.out)
	}
	return w.runs[id]
}

// A recorder keeps a copy of the response.
type recorder struct {
	http.ResponseWriter

	status int
	body   bytes.Buffer
}

// WriteHeader implements [http.ResponseWriter].
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (r *recorder) Write(p []byte) (int, error) {
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}
