package engine

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// Config configures an [Engine].
type Config struct {
	// Version is the server whose behavior the engine has.
	Version version.Version
	// Start is the virtual time at which the engine starts.
	Start time.Time
	// Bubble reports whether the engine runs in a bubble of testing/synctest. Then its clock is
	// the bubble's. Otherwise it has a clock of its own.
	Bubble bool
	// Seed determines everything that the server leaves to chance.
	Seed uint64
	// RetryInterval replaces the server's backoff and its jitter, if not 0.
	RetryInterval time.Duration
	// NoJitter leaves out the jitter of retries and schedules.
	NoJitter bool
	// Overlap makes the calls that are due at the same time on goroutines of their own.
	// Otherwise they are made one after the other.
	Overlap bool
	// Gateway answers the requests of step.Fetch and step.Infer.
	Gateway func(g *GatewayRequest) (*http.Response, error)
	// Answer decides how steps end that wait. It may be nil, and return nil.
	Answer Answerer
	// Keep is how many ended runs Runs returns, 1,000 if it is 0.
	Keep int
	// MaxStarts is how many runs of a function its events may start while time advances once,
	// 10,000 if it is 0.
	MaxStarts int
	// Observer sees what happens. It is never called concurrently, except Call.
	Observer Observer
}

// An Observer sees what an engine does. Row and Fault must not call the engine.
type Observer interface {
	// Call returns the context for a call of an app. done is called with the response, before
	// the engine acts on it.
	Call(ctx context.Context, c *Call) (_ context.Context, done func(resp *adapter.Response))
	// Row adds a row to the timeline.
	Row(r Row)
	// Fault reports what the kit must refuse: the server would drop the run, or the result
	// depends on a race.
	Fault(run *Run, format string, args ...any)
}

// An App is an app that the engine calls.
type App struct {
	ID string
	// Do sends a request to the app.
	Do func(ctx context.Context, req *adapter.Request) *adapter.Response
	// SigningKey signs requests; "" for an app in dev mode.
	SigningKey string
}

// An Event is an event as the server keeps it.
type Event struct {
	// InternalID is the server's own ID, a ULID of the time at which it arrived. ID is the
	// sender's, InternalID if it gave none.
	InternalID string
	ID         string
	Name       string
	// Data, User are JSON objects in the canonical form of RFC 8785.
	Data, User json.RawMessage
	// Timestamp is in milliseconds since 1970.
	Timestamp int64
	Version   string
	// Received is the virtual time at which it arrived.
	Received time.Time
	// Internal reports whether the server sent it itself.
	Internal bool
	// Decoded is the whole event as expressions see it.
	Decoded map[string]any
	// Encoded is the whole event in canonical form, as calls contain it.
	Encoded json.RawMessage

	number uint64 // its position among all arrivals
}

// Status is the state of a run.
type Status string

// The states of a run.
const (
	Queued    Status = "Queued"
	Running   Status = "Running"
	Completed Status = "Completed"
	Failed    Status = "Failed"
	Cancelled Status = "Cancelled"
	Skipped   Status = "Skipped"
)

// A Run is a run of a function.
type Run struct {
	state    // what the server keeps between calls; state.go
	schedule // what flow control keeps; schedule.go

	ID       string
	Function *Function
	Events   []*Event // more than one in a batch
	Status   Status
	// Output is the JSON that the function returned. If the run has failed, it is the output of
	// the call that failed, as the server's API has it.
	Output                 json.RawMessage
	Queued, Started, Ended time.Time
	// Steps are the steps that the run has reached, in order.
	Steps []*Step
	// Held says which limit holds back the run's next call, "" if none does.
	Held string
	// Calls is how many calls the app has received.
	Calls int
}

// A Step is a step that a run has reached.
type Step struct {
	Key   string // the hash that identifies it in the protocol
	ID    string
	Index int
	Kind  string // StepRun, Sleep, …
	// Attempts is how often it was tried.
	Attempts int
	// Result is what the server has stored: {"data":…}, {"error":…}, null or an event.
	Result json.RawMessage
	// Errors has the message of each attempt that failed.
	Errors       []string
	Began, Ended time.Time
	// Waits describes what an unfinished step waits for.
	Waits string
}

// A Call is one call of an app.
type Call struct {
	Run     *Run
	Number  int // from 1 within the run
	Attempt int
	// Target is the key of the step that the call is for, "" for all that follows.
	Target string
	// Takes is how much virtual time the call takes. Hooks raise it while the call runs.
	Takes time.Duration
	// Do sends the request of the call to the app. plan makes the app announce its next steps
	// instead of running them.
	Do func(ctx context.Context, plan bool) *adapter.Response
}

// A Row is a row of a run's timeline.
type Row struct {
	Time                 time.Time
	Run                  *Run // nil for what concerns no run
	Call                 int  // 0 for none
	Step                 string
	Attempt, MaxAttempts int
	Text                 string
}

// A GatewayRequest is a request that the server makes for a step.
type GatewayRequest struct {
	Run     *Run
	Step    *Step
	Request *http.Request
}

// Engine plays the server. Its exported methods may be called by several goroutines.
type Engine struct {
	execution   // execution.go
	events      // events.go: log of events, waits, signals, idempotency
	flowControl // flow.go: limits

	cfg   Config
	mu    sync.Mutex // guards all others; not held while an app is called
	rand  *rand.Rand
	clock clock
	queue queue
	apps  []*App
	// functions are the registered functions by slug, and order has them in the order of
	// registration.
	functions map[string]*Function
	order     []*Function
	runs      []*Run
}
