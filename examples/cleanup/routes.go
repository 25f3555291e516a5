package main

import (
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// routes are the routes for administrators.
type routes struct {
	store *Store
	log   *slog.Logger
}

// newRouter returns a chi router like that of any application, with two lines for Inngest.
func newRouter(app *inngestkit.App, store *Store) http.Handler {
	r := chi.NewRouter()
	r.Use(inngesthttp.Middleware(app)) // for inngesthttp.Send in handlers
	inngesthttp.Mount(r, app)          // /api/inngest, where the server calls the functions

	routes := &routes{store: store, log: app.Logger()}
	r.Post("/cleanups", routes.start)
	r.Get("/cleanups/{id}", routes.progress)
	r.Post("/deep-cleanups", routes.startDeep)
	return r
}

// start starts a cleanup now. If one is running, this one is skipped.
func (r *routes) start(w http.ResponseWriter, req *http.Request) {
	id := "cleanup-" + strings.ToLower(rand.Text()[:6])
	r.send(w, req, id, cleanupRequested.New(CleanupRequested{CleanupID: id}))
}

func (r *routes) startDeep(w http.ResponseWriter, req *http.Request) {
	r.send(w, req, "", deepCleanupRequested.New(DeepCleanupRequested{By: "admin"}))
}

// send sends an event, and writes the response.
func (r *routes) send(w http.ResponseWriter, req *http.Request, cleanupID string, event inngestkit.AnyEvent) {
	ids, err := inngesthttp.Send(req, event)
	if err != nil {
		r.fail(w, req, inngestkit.SendStatus(err), err)
		return
	}
	r.write(w, req, http.StatusAccepted, startedView{CleanupID: cleanupID, EventID: ids[0]})
}

// startedView names a cleanup that was asked for. A deep one has no progress to ask for.
type startedView struct {
	CleanupID string `json:"cleanupId,omitempty"`
	EventID   string `json:"eventId"`
}

// progressView is how far a cleanup is.
type progressView struct {
	Deleted map[string]int `json:"deleted"`
	Reports int            `json:"reports"`
}

// progress shows how far a cleanup is. One that has not begun has deleted nothing.
func (r *routes) progress(w http.ResponseWriter, req *http.Request) {
	id := chi.URLParam(req, "id")
	deleted, err := r.store.Progress(req.Context(), id)
	if err != nil {
		r.fail(w, req, http.StatusInternalServerError, err)
		return
	}
	reports, err := r.store.Reports(req.Context(), id)
	if err != nil {
		r.fail(w, req, http.StatusInternalServerError, err)
		return
	}
	r.write(w, req, http.StatusOK, progressView{Deleted: deleted, Reports: reports})
}

// fail logs an error and writes the status.
func (r *routes) fail(w http.ResponseWriter, req *http.Request, status int, err error) {
	r.log.ErrorContext(req.Context(), "request failed", "path", req.URL.Path, "error", err)
	http.Error(w, http.StatusText(status), status)
}

func (r *routes) write(w http.ResponseWriter, req *http.Request, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		r.log.WarnContext(req.Context(), "response not sent", "error", err) // the client has gone
	}
}
