package engine

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// This file has the signatures of the scheduling side, until its files replace it.

// A Function is a function of an app.
type Function struct {
	// Slug is the ID of the app and of the function, joined by a hyphen.
	Slug string
	// ID is the server's own ID, a UUID.
	ID   string
	Name string
	App  *App
	// MaxAttempts is one more than the function's retries.
	MaxAttempts int
}

type schedule struct {
	// priority moves the run ahead of others, in milliseconds.
	priority int64
}

type events struct{}

type flow struct{}

var errScheduling = errors.New("the scheduling side is missing")

func (e *Engine) AddApp(context.Context, *App) error { return errScheduling }

func (e *Engine) Functions() []*Function { return nil }

func (e *Engine) Send([]json.RawMessage, string) ([]string, error) { return nil, errScheduling }

func (e *Engine) Signal(string, json.RawMessage) (string, bool) { return "", false }

func (e *Engine) Invoke(string, json.RawMessage) (string, error) { return "", errScheduling }

func (e *Engine) Cancel(string) bool { return false }

func (e *Engine) RoundTrip(*http.Request) (*http.Response, error) { return nil, errScheduling }

func (e *Engine) Mock(string, func(json.RawMessage, *Event) (json.RawMessage, error)) {}

func (e *Engine) waitForEvent(*Run, *Step, *opcode) *failure { return nil }

func (e *Engine) waitForSignal(*Run, *Step, *opcode) *failure { return nil }

func (e *Engine) invoke(*Run, *Step, *opcode) *failure { return nil }

func (e *Engine) mayStart(*item) string { return "" }

func (e *Engine) release(*item) {}

func (e *Engine) ended(*Run) {}
