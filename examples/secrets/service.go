package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	inngestecho "github.com/inngestkit/inngestkit/adapters/echo"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// A Service is the program, ready to serve.
type Service struct {
	App    *inngestkit.App
	Router *echo.Echo
}

// NewService builds everything from the configuration, the services first, then what uses
// them.
func NewService(cfg Config) (*Service, error) {
	invoices := NewInvoices(&memoryLedger{}, &smtpMailer{password: cfg.MailPassword})
	app, err := NewApp(cfg.Inngest, invoices.Functions())
	if err != nil {
		return nil, err
	}
	return &Service{App: app, Router: NewRouter(app)}, nil
}

// NewApp returns the app with its functions.
func NewApp(cfg inngestkit.Config, functions []inngestkit.Function) (*inngestkit.App, error) {
	app, err := inngestkit.New(cfg)
	if err != nil {
		return nil, err
	}
	return app, app.Register(functions...)
}

// NewRouter returns the routes of the program.
func NewRouter(app *inngestkit.App) *echo.Echo {
	e := echo.New()
	e.Use(inngestecho.Middleware(app)) // for inngestecho.Send in handlers
	inngestecho.Mount(e, app)          // /api/inngest, where the server calls the functions
	e.POST("/orders", completeOrder)
	return e
}

// completeOrder responds at once. The event starts send-invoice, which does the rest.
func completeOrder(c echo.Context) error {
	var order Order
	if err := c.Bind(&order); err != nil {
		return err
	}
	ids, err := inngestecho.Send(c, orderCompleted.New(order))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, map[string]string{"eventId": ids[0]})
}

// Serve announces the functions and serves until ctx is done. A program with several
// instances announces them once per deployment instead, when all instances are replaced.
func (s *Service) Serve(ctx context.Context, listener net.Listener) error {
	srv := &http.Server{Handler: s.Router, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(listener) }()
	if err := s.App.Sync(ctx); err != nil && ctx.Err() == nil {
		return errors.Join(err, srv.Close())
	}
	select {
	case err := <-failed:
		return fmt.Errorf("HTTP server: %w", err)
	case <-ctx.Done():
	}
	// First the app, which lets running calls finish and rejects new ones, then HTTP.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(s.App.Shutdown(ctx), srv.Shutdown(ctx))
}
