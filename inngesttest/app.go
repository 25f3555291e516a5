package inngesttest

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// testAppID is the ID of the app that Register builds.
const testAppID = "test"

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// Register adds functions to the app that the kit builds. Functions that invoke each other are
// registered together. To test an app with its middleware, use [Env.Serve].
func (e *Env) Register(functions ...inngestkit.Function) {
	e.tb.Helper()
	e.mu.Lock()
	e.fns = append(e.fns, functions...)
	e.mu.Unlock()
	e.build()
}

// build builds the app with the functions of Register and registers it with the backend.
func (e *Env) build() {
	e.tb.Helper()
	app, err := inngestkit.New(inngestkit.Config{
		AppID: testAppID, Dev: true, Logger: testLogger(e.tb),
		HTTPClient: &http.Client{Transport: transport(e.backend.roundTrip)},
	})
	if err == nil {
		err = app.Register(e.fns...)
	}
	if err != nil {
		e.fatalf(nil, "the functions cannot be registered: %v", err)
	}
	e.tb.Cleanup(func() { _ = app.Shutdown(context.Background()) })
	e.add(app, app.Do)
	e.mu.Lock()
	e.own = app
	e.mu.Unlock()
}

// A ServeOption is an option of [Env.Serve].
type ServeOption interface{ applyServe(s *serving) }

type serving struct {
	do  adapter.Handler
	err error // a mistake in an option
}

type serveOption func(s *serving)

func (o serveOption) applyServe(s *serving) { o(s) }

// Through makes calls reach the app through handler, in which the app is mounted at path:
// through the router, the adapter and the middleware of a program. By default, calls reach the
// app directly.
func Through(handler http.Handler, path string) ServeOption {
	return serveOption(func(s *serving) {
		s.do, s.err = throughHandler(handler, path), checkThrough("Through", handler == nil, path)
	})
}

// ThroughFunc is [Through] for frameworks that are not built on net/http, such as Fiber, whose
// App has a method Test. Contexts of such frameworks do not carry what the kit adds to the
// context of a request, so stubs and virtual time do not reach steps, unless the program
// takes it from [ContextOf].
func ThroughFunc(do func(r *http.Request) (*http.Response, error), path string) ServeOption {
	return serveOption(func(s *serving) {
		s.do, s.err = throughFunc(do, path), checkThrough("ThroughFunc", do == nil, path)
	})
}

func checkThrough(name string, missing bool, path string) error {
	if missing {
		return fmt.Errorf("%s needs a handler, it got nil", name)
	}
	if !strings.HasPrefix(path, "/") {
		return fmt.Errorf("%s has the path %q; it must begin with a slash", name, path)
	}
	return nil
}

// Serve adds an app as production builds it, with its functions and middleware. Its Config
// needs Dev; on a virtual engine, an app in cloud mode needs the option [SigningKey]. An app
// with the ID of an earlier one replaces it, as after a deployment.
//
// Several tests may serve the same app at the same time, each on an engine of its own.
func (e *Env) Serve(app *inngestkit.App, options ...ServeOption) {
	e.tb.Helper()
	if app == nil {
		e.fatalf(nil, "Serve needs an app, it got nil")
	}
	s := serving{do: app.Do}
	for _, option := range options {
		option.applyServe(&s)
		if s.err != nil {
			e.fatalf(nil, "%v", s.err)
		}
	}
	e.add(app, s.do)
}

func (e *Env) add(app *inngestkit.App, do adapter.Handler) {
	e.tb.Helper()
	e.backend.settle()
	if err := e.backend.serve(app, do); err != nil {
		e.fatalf(nil, "%v", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, known := range e.apps {
		if known.ID() == app.ID() {
			e.apps[i] = app
			return
		}
	}
	e.apps = append(e.apps, app)
}
