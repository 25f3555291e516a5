// Package testhooks lets package inngesttest take the place of the Inngest server. Programs
// and their tests do not need it.
//
// Hooks travel in the context of a call, so an app that serves several tests at the same time
// keeps them apart. Without hooks, an app does nothing for this package beyond one look into
// the context of a call, and one into that of each request to the server.
package testhooks

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"
)

// Hooks change how an app runs functions and steps. Every field may be nil.
type Hooks struct {
	// RoundTrip takes the place of the transport of the app's client.
	RoundTrip func(*http.Request) (*http.Response, error)
	// EnterFunction is called when a call reaches the function. handler is the entry point of
	// its handler.
	EnterFunction func(ctx context.Context, handler uintptr)
	// LeaveFunction is called when the function and all middleware have returned, with the error.
	LeaveFunction func(ctx context.Context, err error)
	// EnterStep is called when a function reaches a step, memoized or not.
	EnterStep func(ctx context.Context, step Step)
	// MapItems is called by step.Map with its ID and its items, a slice.
	MapItems func(ctx context.Context, id string, items any)
	// RunStep is called in place of a step's callback, inside all middleware. It may call
	// callback.
	RunStep func(ctx context.Context, step Step, callback func(ctx context.Context) (any, error)) (any, error)
	// SleepUntil returns how long step.SleepUntil sleeps.
	SleepUntil func(ctx context.Context, id string, until time.Time) time.Duration
	// Wait returns the result of a step of the server that runs outside a function. If refused
	// is not nil, the step would end its call with this error instead.
	Wait func(ctx context.Context, step Step, refused error) (json.RawMessage, error)
}

// Step identifies a step.
type Step struct {
	// ID is the ID that the function gives the step, and Index tells apart steps with equal
	// IDs, from 0.
	ID    string
	Index int
	// Kind is the name of the step's operation in the protocol, such as StepRun or Sleep.
	Kind string
	// Output is the Go type of the step's result.
	Output reflect.Type
	// Memoized reports whether the call has the result of the step.
	Memoized bool
	// Options are those of the SDK's function for the step, such as a WaitForEventOpts or the
	// duration of a Sleep. Only Wait gets them.
	Options any
}

type contextKey struct{}

// NewContext returns a context that carries the hooks.
func NewContext(ctx context.Context, h *Hooks) context.Context {
	return context.WithValue(ctx, contextKey{}, h)
}

// none are the hooks of a context without hooks.
var none Hooks

// From returns the hooks that ctx carries. It never returns nil.
func From(ctx context.Context) *Hooks {
	if h, ok := ctx.Value(contextKey{}).(*Hooks); ok && h != nil {
		return h
	}
	return &none
}
