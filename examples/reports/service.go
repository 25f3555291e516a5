package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// A service is the app with its health checks and routes.
type service struct {
	app    *inngestkit.App
	health *inngesthealth.Health
	routes http.Handler
}

func newService(s settings) (*service, error) {
	cfg, err := inngestkit.ConfigFromEnv()
	if err != nil {
		return nil, err
	}
	app, err := inngestkit.New(cfg)
	if err != nil {
		return nil, err
	}
	health, err := inngesthealth.Install(app)
	if err != nil {
		return nil, err
	}
	app.Use(inngestkit.Logging(slog.LevelInfo))
	if err := app.Register(functions(s.WorkTime)...); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	inngesthttp.Mount(mux, app) // /api/inngest, and the probes below /health/inngest
	mux.Handle("POST /reports", inngesthttp.Middleware(app)(http.HandlerFunc(requestReport)))
	return &service{app: app, health: health, routes: mux}, nil
}

// requestReport responds at once. The event starts make-report, which does the rest.
func requestReport(w http.ResponseWriter, r *http.Request) {
	var report ReportRequested
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&report); err != nil || report.Name == "" {
		http.Error(w, `want {"name":"…"}`, http.StatusBadRequest)
		return
	}
	ids, err := inngesthttp.Send(r, reportRequested.New(report))
	if err != nil {
		slog.ErrorContext(r.Context(), "event not sent", "error", err)
		status := inngestkit.SendStatus(err)
		http.Error(w, http.StatusText(status), status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	if err := json.NewEncoder(w).Encode(map[string]string{"eventId": ids[0]}); err != nil {
		slog.WarnContext(r.Context(), "response not sent", "error", err) // the client has gone
	}
}

// serve serves until ctx is done, and then stops in the order of docs/deployment.md.
func serve(ctx context.Context, s settings, listener net.Listener) error {
	svc, err := newService(s)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	srv := &http.Server{Handler: svc.routes, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(listener) }()
	if err := svc.app.Start(ctx); err != nil { // in dev mode it announces the functions
		return errors.Join(err, srv.Close())
	}
	slog.Info("listening", "address", listener.Addr().String())
	select {
	case err := <-failed:
		return fmt.Errorf("HTTP server: %w", err)
	case <-ctx.Done():
	}
	return svc.stop(context.WithoutCancel(ctx), s, srv)
}

// stop lets load balancers notice, then lets calls in progress finish while it rejects new
// ones, then closes the HTTP server.
func (svc *service) stop(ctx context.Context, s settings, srv *http.Server) error {
	slog.Info("stopping", "pause", s.DrainPause.String(), "timeout", s.DrainTimeout.String())
	svc.health.Drain()
	time.Sleep(s.DrainPause)
	ctx, cancel := context.WithTimeout(ctx, s.DrainTimeout)
	defer cancel()
	err := errors.Join(svc.app.Shutdown(ctx), srv.Shutdown(ctx))
	slog.Info("stopped", "complete", err == nil)
	return err
}

// askHealth requests livez of the program on this machine, for images without curl.
func askHealth(ctx context.Context, s settings) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	url := "http://" + net.JoinHostPort("127.0.0.1", s.Port) + inngesthealth.DefaultPath + "/" + inngesthealth.DefaultLiveness
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer func() { _ = resp.Body.Close() }() // nothing more is read
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return nil
}
