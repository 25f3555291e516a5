package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"sync"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// memoryDesk keeps the open approvals. A real one is a table and a page, or a chat channel.
type memoryDesk struct {
	mu   sync.Mutex
	open []Approval
}

var _ Desk = (*memoryDesk)(nil)

// Ask implements [Desk].
func (d *memoryDesk) Ask(_ context.Context, approval Approval) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Contains(d.open, approval) {
		d.open = append(d.open, approval)
	}
	return nil
}

// list responds with the open approvals.
func (d *memoryDesk) list(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	open := slices.Clone(d.open)
	d.mu.Unlock()
	respond(w, r, http.StatusOK, open)
}

// decide tells the run that waits. In production, only staff may get here, and By is who has
// logged in.
func (d *memoryDesk) decide(w http.ResponseWriter, r *http.Request) {
	var decision Decision
	if !read(w, r, &decision) {
		return
	}
	decision.ApprovalID = r.PathValue("id")
	if !d.has(decision.ApprovalID) {
		http.Error(w, "no such approval is open", http.StatusNotFound)
		return
	}
	if send(w, r, toolDecided.New(decision)) {
		d.close(decision.ApprovalID)
	}
}

func (d *memoryDesk) has(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.open, func(a Approval) bool { return a.ID == id })
}

func (d *memoryDesk) close(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = slices.DeleteFunc(d.open, func(a Approval) bool { return a.ID == id })
}

// newRoutes returns the routes of the program.
func newRoutes(app *inngestkit.App, desk *memoryDesk) http.Handler {
	mux := http.NewServeMux()
	inngesthttp.Mount(mux, app) // /api/inngest, where the server calls the agent
	mux.HandleFunc("POST /questions", ask)
	mux.HandleFunc("GET /approvals", desk.list)
	mux.HandleFunc("POST /approvals/{id}", desk.decide)
	return inngesthttp.Middleware(app)(mux)
}

// ask accepts a question. In production, CustomerID is who has logged in.
func ask(w http.ResponseWriter, r *http.Request) {
	var question Question
	if read(w, r, &question) {
		send(w, r, questionAsked.New(question))
	}
}

// read decodes the body of a request, or responds with 400.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<10)).Decode(into)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
	return err == nil
}

// send sends an event and responds with its ID, and reports whether it was sent.
func send(w http.ResponseWriter, r *http.Request, event inngestkit.AnyEvent) bool {
	ids, err := inngesthttp.Send(r, event)
	if err != nil {
		slog.ErrorContext(r.Context(), "event not sent", "error", err)
		status := inngestkit.SendStatus(err)
		http.Error(w, http.StatusText(status), status)
		return false
	}
	respond(w, r, http.StatusAccepted, map[string]string{"eventId": ids[0]})
	return true
}

func respond(w http.ResponseWriter, r *http.Request, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		slog.WarnContext(r.Context(), "response not sent", "error", err) // the client has gone
	}
}
