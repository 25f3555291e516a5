package inngesttest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/testhooks"
)

// A Target is what functions run on: an [Env] or an [Engine].
type Target interface{ target() *Env }

// An Env runs functions on the virtual engine or on the real server. It has what both can do.
//
// Before they send or read, its methods let everything happen that is due already; see
// [Env.Settle]. They fail the test if something is wrong, so they return no errors.
type Env struct {
	tb      testing.TB
	backend backend
	log     eventLog

	mu    sync.Mutex
	own   *inngestkit.App       // the app of Register, nil without one
	fns   []inngestkit.Function // the functions of own
	apps  []*inngestkit.App
	shown map[string]bool // the runs whose timelines were printed
}

// backend is a server, as an Env sees it.
type backend interface {
	// describe returns what the backend is, for logs.
	describe() string
	// roundTrip responds to a request of an app to the server.
	roundTrip(r *http.Request) (*http.Response, error)
	// serve registers an app, or a new version of one with the same ID.
	serve(app *inngestkit.App, do adapter.Handler) error
	// functions returns the registered functions.
	functions() ([]function, error)
	// settle returns when nothing more happens without time passing. It does nothing if it is
	// called from within a function.
	settle()
	// await lets time pass until done reports true. It returns why that can never happen.
	await(done func() bool) error
	// invoke starts a run of a function without an event of the test.
	invoke(slug string, data json.RawMessage) (find func() handle, err error)
	// find returns the run of the function that the event started, nil if there is none.
	find(slug, eventID string) handle
	// decisions returns a timeline of what concerns no run, such as events that start none.
	decisions() string
	// runs returns the runs of a function, or of all if slug is "", in order of creation.
	runs(slug string) ([]handle, error)
}

// handle is a run at a backend.
type handle interface {
	id() string
	slug() string
	state() runState
	cancel() error
	timeline() string
}

// function is a registered function.
type function struct {
	slug     string
	app      string // the ID of its app
	triggers []trigger
}

type trigger struct {
	Event      string `json:"event"`
	Expression string `json:"expression"`
	Cron       string `json:"cron"`
}

func newEnv(tb testing.TB) *Env {
	tb.Helper()
	return &Env{tb: tb, shown: map[string]bool{}}
}

// Send sends events and returns their IDs. They pass the middleware of the first app that was
// registered.
func (e *Env) Send(events ...inngestkit.AnyEvent) []string {
	e.tb.Helper()
	e.backend.settle()
	ids, err := e.sender().Send(e.context(), events...)
	if err != nil {
		e.fatalf(nil, "%v", err)
	}
	return ids
}

// Signal resumes the run that waits for the signal name in step.WaitForSignal. The test fails
// if no run does.
func (e *Env) Signal(name string, data any) {
	e.tb.Helper()
	e.backend.settle()
	if err := e.sender().SendSignal(e.context(), name, data); err != nil {
		e.fatalf(nil, "%v", err)
	}
}

// Events returns the events that the test and its functions have sent, in the order in which
// the server accepted them: those of the last 10,000 requests at most. It lacks the server's own
// events, such as those of invoked functions.
func (e *Env) Events() []inngestkit.RawEvent {
	e.tb.Helper()
	e.backend.settle()
	events, err := e.log.events()
	if err != nil {
		e.fatalf(nil, "%v", err)
	}
	return events
}

// Runs returns the runs of a function so far, in order of creation, or those of all functions
// if function is nil. An engine keeps the last 1,000 runs that have ended.
func (e *Env) Runs(function Named) []*FunctionRun {
	e.tb.Helper()
	slug := ""
	if function != nil {
		slug = e.lookUp(function).slug
	}
	e.backend.settle()
	handles, err := e.backend.runs(slug)
	if err != nil {
		e.fatalf(nil, "%v", err)
	}
	runs := make([]*FunctionRun, len(handles))
	for i, h := range handles {
		runs[i] = &FunctionRun{env: e, handle: h, function: h.slug()}
	}
	return runs
}

// Settle returns when nothing more happens unless time passes, or something is sent. On the
// real server, that is when its apps have not been called for half a second.
func (e *Env) Settle() {
	e.tb.Helper()
	e.backend.settle()
}

func (e *Env) target() *Env { return e }

// context returns a context whose requests to the server reach the backend.
func (e *Env) context() context.Context {
	return testhooks.NewContext(e.tb.Context(), &testhooks.Hooks{RoundTrip: e.backend.roundTrip})
}

// sender returns the app that sends events of the test: the first one.
func (e *Env) sender() *inngestkit.App {
	e.tb.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.apps) == 0 {
		e.fatalf(nil, "no app is registered yet; call Register or Serve first")
	}
	return e.apps[0]
}

// appOf returns the app with the ID.
func (e *Env) appOf(id string) *inngestkit.App {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, app := range e.apps {
		if app.ID() == id {
			return app
		}
	}
	return nil
}

// lookUp returns the registered function with the ID of f.
func (e *Env) lookUp(f Named) function {
	e.tb.Helper()
	all, err := e.backend.functions()
	if err != nil {
		e.fatalf(nil, "%v", err)
	}
	var found []function
	slugs := make([]string, len(all))
	for i, candidate := range all {
		slugs[i] = candidate.slug
		if candidate.slug == candidate.app+"-"+f.ID() {
			found = append(found, candidate)
		}
	}
	switch len(found) {
	case 1:
		return found[0]
	case 0:
		e.fatalf(nil, "the function %q is not registered; registered are: %s", f.ID(), orNone(slugs))
	default:
		e.fatalf(nil, "the function %q is registered by several apps; give the functions different IDs", f.ID())
	}
	panic("unreachable")
}

func orNone(texts []string) string {
	if len(texts) == 0 {
		return "none"
	}
	return strings.Join(texts, ", ")
}

// fatalf fails the test and prints the timeline of the run that has to do with it, if any.
func (e *Env) fatalf(h handle, format string, args ...any) {
	e.tb.Helper()
	text := fmt.Sprintf(format, args...)
	if !strings.HasPrefix(text, "inngesttest: ") {
		text = "inngesttest: " + text
	}
	if h != nil {
		e.mu.Lock()
		e.shown[h.id()] = true
		e.mu.Unlock()
		text += "\n" + h.timeline()
	}
	e.tb.Fatal(text)
}

// maxShown is how many timelines a failing test prints.
const maxShown = 8

// show prints the timelines of runs that were not printed yet, first those that did not
// complete.
func (e *Env) show() {
	e.tb.Helper()
	handles, err := e.backend.runs("")
	if err != nil {
		e.tb.Logf("inngesttest: the runs are not known: %v", err)
	}
	handles = slices.DeleteFunc(handles, func(h handle) bool { return e.shown[h.id()] })
	slices.SortStableFunc(handles, func(a, b handle) int { return rank(a) - rank(b) })
	var text strings.Builder
	for i, h := range handles {
		if i == maxShown {
			fmt.Fprintf(&text, "… and %d more runs\n", len(handles)-i)
			break
		}
		text.WriteString(h.timeline())
	}
	text.WriteString(e.backend.decisions())
	e.tb.Logf("inngesttest: %s\n%s", e.backend.describe(), text.String())
}

func rank(h handle) int {
	switch h.state().status {
	case RunFailed:
		return 0
	case RunCompleted:
		return 2
	default:
		return 1
	}
}
