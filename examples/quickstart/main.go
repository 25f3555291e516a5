// Quickstart is a Gin application with durable functions. Run it from the root
// of the repository, with nothing installed but Go:
//
//	go run ./examples/quickstart
//
// This file is the wiring; users.go has the functions and events.go the events.
// Package internal/demo, which a real application does not need, starts an Inngest
// server, signs up a user, and prints and checks what happens.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/examples/quickstart/internal/demo"
)

func main() { os.Exit(demo.Main(serve)) }

// serve runs the application until ctx is done.
func serve(ctx context.Context, env demo.Env) error {
	// The address of the Inngest server differs in each run of this example. Other
	// programs call inngestkit.ConfigFromEnv.
	app, err := inngestkit.New(inngestkit.Config{
		AppID:     "quickstart",
		Dev:       true,
		BaseURL:   env.ServerURL,
		ServeHost: env.Listener.Addr().String(),
		Logger:    env.Logger,
	})
	if err != nil {
		return err
	}
	users := &Users{mail: &busyMailer{}}
	if err := app.Register(users.Functions()...); err != nil {
		return err
	}
	return listen(ctx, app, env)
}

// newRouter returns a Gin engine like that of any application, with two lines for
// Inngest.
func newRouter(app *inngestkit.App) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.Use(gin.Recovery())

	router.Use(inngestgin.Middleware(app)) // for inngestgin.Send in handlers
	inngestgin.Mount(router, app)          // /api/inngest, where the server calls the functions

	router.POST("/users", signUp)
	router.POST("/users/:id/verify", verify)
	return router
}

// signUp responds at once. The event starts functions, which do the rest.
func signUp(c *gin.Context) {
	var form struct {
		Email string `binding:"required,email" json:"email"`
	}
	if err := c.ShouldBindJSON(&form); err != nil {
		c.JSON(http.StatusBadRequest, gin.H{"error": err.Error()})
		return
	}
	userID := "user-" + strings.ToLower(rand.Text()[:4])
	send(c, userID, userCreated.New(UserCreated{UserID: userID, Email: form.Email}))
}

// verify handles the link in the welcome mail.
func verify(c *gin.Context) {
	userID := c.Param("id")
	send(c, userID, emailVerified.New(EmailVerified{UserID: userID}))
}

// send sends one event about a user, and writes the response.
func send(c *gin.Context, userID string, event inngestkit.AnyEvent) {
	ids, err := inngestgin.Send(c, event)
	if err != nil {
		c.JSON(http.StatusBadGateway, gin.H{"error": err.Error()})
		return
	}
	c.JSON(http.StatusAccepted, gin.H{"userId": userID, "eventId": ids[0]})
}

// listen serves the app until ctx is done, and then shuts it down.
func listen(ctx context.Context, app *inngestkit.App, env demo.Env) error {
	// Watch prints requests and responses. Your application does not need it.
	handler := env.Watch(newRouter(app))
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}

	// Start announces the functions to the server, and retries until it responds.
	if err := app.Start(ctx); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(env.Listener) }()

	select {
	case err := <-failed:
		return fmt.Errorf("HTTP server: %w", err)
	case <-ctx.Done():
	}
	// First the app, which lets running calls finish and rejects new ones, then HTTP.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(app.Shutdown(ctx), srv.Shutdown(ctx))
}
