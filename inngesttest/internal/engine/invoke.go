package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// A Mock takes the place of a function that is invoked. It returns the function's output,
// or the error with which it fails.
type Mock func(data json.RawMessage, event *Event) (output json.RawMessage, err error)

// invokeTimedOut is the result of an invocation that times out.
var invokeTimedOut = json.RawMessage(`{"error":{` +
	`"error":"InngestInvokeTimeoutError: Timed out waiting for invoked function to complete",` +
	`"message":"Timed out waiting for invoked function to complete","name":"InngestInvokeTimeoutError"}}`)

// invoke handles the operation InvokeFunction: it sends the event that starts the function,
// and waits for the event that the function's run sends when it ends.
func (e *Engine) invoke(run *Run, s *Step, op *opcode) *failure {
	var opts struct {
		FunctionID string     `json:"function_id"`
		Payload    *wireEvent `json:"payload"`
		Timeout    string     `json:"timeout"`
	}
	err := json.Unmarshal(op.Opts, &opts)
	expires := e.clock.now().AddDate(1, 0, 0)
	if err == nil && opts.Timeout != "" {
		expires, err = e.expiry(opts.Timeout)
	}
	if err != nil {
		e.hang(run, s, err)
		return nil
	}
	if run.waitsAlready(s) {
		return nil
	}
	w := e.newWait(run, s, run.ID+"."+s.Key, expires)
	w.function = opts.FunctionID
	e.invocations[w.name] = w
	w.forget = func() { delete(e.invocations, w.name) }
	payload := opts.Payload
	if payload == nil {
		payload = &wireEvent{}
	}
	ev, err := e.invocation(payload, opts.FunctionID, map[string]any{
		"correlation_id": w.name, "expire": float64(expires.UnixMilli()), fieldName: s.ID,
		"source_fn_id": run.Function.ID, "source_app_id": run.Function.App.ID,
	})
	if err != nil {
		e.hang(run, s, err)
		return nil
	}
	e.stepRow(run, s, "invokes %s", opts.FunctionID)
	e.register(w, invokeTimedOut, "function "+opts.FunctionID)
	e.deliver(ev)
	return nil
}

// invocation returns the event that starts a function.
func (e *Engine) invocation(payload *wireEvent, slug string, metadata map[string]any) (*Event, error) {
	data := maps.Clone(payload.Data)
	if data == nil {
		data = map[string]any{}
	}
	// The server sends more fields. Apps do not see them.
	internal := map[string]any{"fn_id": slug, "gid": "", "source_fn_v": 1.0}
	maps.Copy(internal, metadata)
	data[internalData] = internal
	ev, err := e.stored(&wireEvent{
		ID: payload.ID, Name: functionInvoked, Data: data, User: payload.User, Version: payload.Version,
		Timestamp: e.clock.now().UnixMilli(),
	}, "")
	if err != nil {
		return nil, err
	}
	ev.Internal = true
	return ev, nil
}

// internalField returns a text of the server's own field in the data of an event.
func (ev *Event) internalField(name string) string {
	data, _ := ev.Decoded[fieldData].(map[string]any)
	internal, _ := data[internalData].(map[string]any)
	text, _ := internal[name].(string)
	return text
}

// startInvoked starts the function that an event invokes.
func (e *Engine) startInvoked(ev *Event) {
	slug := ev.internalField("fn_id")
	if mock := e.mocks[slug]; mock != nil {
		e.runMock(slug, mock, ev)
		return
	}
	if fn := e.find(slug); fn != nil {
		e.initialize(fn, ev)
		return
	}
	e.row(nil, "function %q is invoked, but is not registered", slug)
	e.invocationFailed(ev, "could not find function with ID: "+slug)
}

// find returns a registered function by its slug, and in [version.Newest] by its UUID.
func (e *Engine) find(id string) *Function {
	at := slices.IndexFunc(e.order, func(fn *Function) bool {
		return fn.Slug == id || fn.ID == id && e.cfg.Version != version.Oldest
	})
	if at < 0 {
		return nil
	}
	return e.order[at]
}

// Invoke starts a run of a function, as the server's UI does.
func (e *Engine) Invoke(slug string, data json.RawMessage) (eventID string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.find(slug) == nil && e.mocks[slug] == nil {
		return "", fmt.Errorf("cannot invoke %q: no app has registered a function with this ID, which consists of "+
			"the app's ID, a hyphen and the function's ID", slug)
	}
	var payload wireEvent
	if len(data) > 0 {
		if err := json.Unmarshal(data, &payload.Data); err != nil {
			return "", fmt.Errorf("cannot invoke %q: the data of an event is a JSON object: %w", slug, err)
		}
	}
	ev, err := e.invocation(&payload, slug, nil)
	if err != nil {
		return "", err
	}
	e.deliver(ev)
	return ev.InternalID, nil
}

// Mock lets f take the place of the function with a slug when it is invoked. A nil f ends
// that.
func (e *Engine) Mock(slug string, f func(data json.RawMessage, event *Event) (output json.RawMessage, err error)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if f == nil {
		delete(e.mocks, slug)
		return
	}
	e.mocks[slug] = f
}

// runMock calls a mock, which may call the engine, and sends the event that a run of the
// function would send.
func (e *Engine) runMock(slug string, mock Mock, ev *Event) {
	visible, _ := ev.Decoded[fieldData].(map[string]any)
	visible = maps.Clone(visible)
	delete(visible, internalData)
	data, err := canonicalOf(visible)
	var output json.RawMessage
	if err == nil {
		e.unlocked(func() { output, err = mock(data, ev) })
	}
	finished := map[string]any{fieldFunction: slug, fieldRun: e.ulid(e.clock.now()), fieldEvent: ev.Decoded}
	finished["events"] = decoded([]*Event{ev})
	var result any
	if err == nil && len(output) > 0 {
		err = json.Unmarshal(output, &result)
	}
	if err != nil {
		finished[fieldError] = map[string]any{fieldError: err.Error(), fieldMessage: err.Error(), fieldName: defaultErrorName}
	} else {
		finished["result"] = result
	}
	e.row(nil, "function %s is mocked", slug)
	e.sendFinished(ev, finished)
}

// invocationFailed tells the run that invoked a function why no run of it starts.
func (e *Engine) invocationFailed(ev *Event, message string) {
	e.sendFinished(ev, map[string]any{
		fieldFunction: "", fieldRun: "", fieldError: map[string]any{fieldName: defaultErrorName, fieldMessage: message},
	})
}

// sendFinished sends the event of a run that has ended, for a run that the engine does not
// have.
func (e *Engine) sendFinished(invoked *Event, data map[string]any) {
	if correlation := invoked.internalField("correlation_id"); correlation != "" {
		data["correlation_id"] = correlation
	}
	e.sendInternal(functionFinished, "", data)
}

// finishInvocation resumes the run that invoked the one that has ended.
func (e *Engine) finishInvocation(ev *Event) {
	data, _ := ev.Decoded[fieldData].(map[string]any)
	correlation, _ := data["correlation_id"].(string)
	w := e.invocations[correlation]
	if w == nil {
		return
	}
	if ender, _ := data[fieldFunction].(string); ender != "" && ender != w.function {
		e.stepRow(w.run, w.step, "race: the event that invokes %s has triggered %s, too, "+
			"whose run has ended first and gives the result", w.function, ender)
	}
	result, text := ev.Encoded, "receives the event of the cancelled run instead of a result, as on the server"
	var err error
	if failure, failed := data[fieldError]; failed {
		text = "fails"
		result, err = canonicalOf(map[string]any{fieldError: failure})
	} else if output, completed := data["result"]; completed {
		text = "returns"
		result, err = canonicalOf(map[string]any{fieldData: output})
	}
	if err != nil {
		e.hang(w.run, w.step, err)
		return
	}
	e.unregister(w)
	e.stepRow(w.run, w.step, "the invoked function %s", text)
	e.resume(w.run, w.step.Key, result)
}
