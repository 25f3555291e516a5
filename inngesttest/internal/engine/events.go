package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/inngestkit/inngestkit/inngesttest/internal/limits"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// Names of the events that the server sends itself (pkg/event of the server).
const (
	internalPrefix    = "inngest/"
	functionInvoked   = "inngest/function.invoked"
	functionFinished  = "inngest/function.finished"
	functionFailed    = "inngest/function.failed"
	functionCancelled = "inngest/function.cancelled"
	scheduledTimer    = "inngest/scheduled.timer"
	// internalData is the field of an event's data that belongs to the server.
	internalData = "_inngest"
)

// Fields of events, their data and expressions.
const (
	fieldName     = "name"
	fieldData     = "data"
	fieldEvent    = "event"
	fieldError    = "error"
	fieldStatus   = "status"
	fieldMessage  = "message"
	fieldRun      = "run_id"
	fieldFunction = "function_id"
)

// Limits of pkg/consts of the server.
const (
	maxEventBytes = 3 << 20
	maxEvents     = 5_000
)

// Timestamps of events lie between these times (pkg/event of the server).
var (
	minTimestamp = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	maxTimestamp = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// events is what the engine keeps about events.
type events struct {
	// arrivals counts what happens in the order in which it happens. An event resumes and
	// cancels only what was there when it arrived.
	arrivals uint64
	// log has the latest events in the order of their arrival, and started the runs of each,
	// by its internal ID.
	log     []*Event
	started map[string][]*Run
	// seeds has the IDs of the latest requests that had a seed.
	seeds []seededRequest

	waits       map[string]map[*wait]struct{}   // by the name of the event
	signals     map[string]*wait                // by the name of the signal
	invocations map[string]*wait                // by correlation ID
	cancels     map[string]map[*cancel]struct{} // by the name of the event
	idempotency limits.Idempotency
	mocks       map[string]Mock
	crons       map[*item]*Function // the timers of schedules
	cronRuns    int                 // since the last AdvanceTo
	cronLimit   int                 // maxCronRuns, less in tests
	indexed     bool                // refuseIndex has reported an event
	starts      starts              // endless.go
}

func newEvents() events {
	return events{
		started:     map[string][]*Run{},
		waits:       map[string]map[*wait]struct{}{},
		signals:     map[string]*wait{},
		invocations: map[string]*wait{},
		cancels:     map[string]map[*cancel]struct{}{},
		mocks:       map[string]Mock{},
		crons:       map[*item]*Function{},
		cronLimit:   maxCronRuns,
		starts:      starts{count: map[*Function]int{}},
	}
}

// seededRequest is a request to send events that may be repeated.
type seededRequest struct {
	seed string
	ids  []string
}

const keptSeeds = 256

// Send sends events, as POST /e/{key} does, and returns the server's own IDs of those that
// it accepted: all, or with an error those before the first one that the server refuses. A
// request that is repeated with the same seed has the same IDs.
func (e *Engine) Send(events []json.RawMessage, seed string) (ids []string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, raw := range events {
		if i == maxEvents {
			//nolint:staticcheck // the server's words
			return ids, fmt.Errorf("Cannot have more than %d events in a batch", maxEvents)
		}
		id := e.seededID(seed, i)
		ev, err := e.newEvent(raw, id)
		if err != nil {
			return ids, err
		}
		ids = append(ids, ev.InternalID)
		e.remember(seed, ids)
		e.deliver(ev)
	}
	return ids, nil
}

// seededID returns the ID that an event had in an earlier request with the seed, "" if
// there was none.
func (e *Engine) seededID(seed string, index int) string {
	at := slices.IndexFunc(e.seeds, func(r seededRequest) bool { return r.seed == seed })
	if seed == "" || at < 0 || index >= len(e.seeds[at].ids) {
		return ""
	}
	return e.seeds[at].ids[index]
}

func (e *Engine) remember(seed string, ids []string) {
	if seed == "" {
		return
	}
	at := slices.IndexFunc(e.seeds, func(r seededRequest) bool { return r.seed == seed })
	switch {
	case at < 0:
		e.seeds = append(e.seeds, seededRequest{seed, ids})
	case len(e.seeds[at].ids) < len(ids):
		e.seeds[at].ids = ids
	}
	if len(e.seeds) > keptSeeds {
		e.seeds = slices.Delete(e.seeds, 0, 1)
	}
}

// newEvent reads an event as the server does when it arrives, and returns the server's
// error if it refuses it.
func (e *Engine) newEvent(raw json.RawMessage, internalID string) (*Event, error) {
	if len(raw) > maxEventBytes {
		return nil, fmt.Errorf("Event is over the max size: Max %d bytes / Size %d bytes", maxEventBytes, len(raw))
	}
	ev, err := decodeEvent(raw)
	if err != nil {
		return nil, err
	}
	if isInternal(ev.Name, e.cfg.Version) {
		return nil, fmt.Errorf("event name is reserved for internal use: %s", ev.Name)
	}
	delete(ev.Data, internalData)
	if ev.Timestamp == 0 {
		ev.Timestamp = e.clock.now().UnixMilli()
	}
	if ev.Name == "" {
		return nil, errors.New("event name is empty")
	}
	switch ts := time.UnixMilli(ev.Timestamp); {
	case ts.Before(minTimestamp):
		return nil, errors.New("timestamp is before Jan 1, 1980")
	case ts.After(maxTimestamp):
		return nil, errors.New("timestamp is after Jan 1, 2100")
	}
	return e.stored(ev, internalID)
}

func isInternal(name string, v version.Version) bool {
	if v != version.Oldest {
		name = strings.ToLower(name)
	}
	return strings.HasPrefix(name, internalPrefix)
}

// wireEvent is an event as JSON.
type wireEvent struct {
	ID        string         `json:"id,omitempty"`
	Name      string         `json:"name"`
	Data      map[string]any `json:"data"`
	Timestamp int64          `json:"ts,omitempty"`
	Version   string         `json:"v,omitempty"`
	User      map[string]any `json:"user,omitempty"`
}

// decodeEvent decodes an event. Errors name the type as those of the server do.
func decodeEvent(raw json.RawMessage) (*wireEvent, error) {
	type Event wireEvent
	var ev Event
	if err := json.Unmarshal(raw, &ev); err != nil {
		return nil, err
	}
	decoded := wireEvent(ev)
	return &decoded, nil
}

// stored returns the event in the form in which the server keeps it.
func (e *Engine) stored(ev *wireEvent, internalID string) (*Event, error) {
	now := e.clock.now()
	if internalID == "" {
		internalID = e.ulid(now)
	}
	if ev.ID == "" {
		ev.ID = internalID
	}
	stored := &Event{
		InternalID: internalID, ID: ev.ID, Name: ev.Name, Timestamp: ev.Timestamp, Version: ev.Version, Received: now,
	}
	return stored, stored.encode(ev.Data, ev.User)
}

// encode sets the forms of the event's content.
func (ev *Event) encode(data, user map[string]any) (err error) {
	if user == nil {
		user = map[string]any{}
	}
	seen := data
	if seen == nil {
		seen = map[string]any{} // in expressions only: the function gets null (Map in pkg/event of the server)
	}
	ev.Decoded = map[string]any{
		"id": ev.ID, fieldName: ev.Name, fieldData: seen, "user": user, "ts": float64(ev.Timestamp),
	}
	if ev.Version != "" {
		ev.Decoded["v"] = ev.Version
	}
	if ev.Data, err = canonicalOf(data); err != nil {
		return err
	}
	if ev.User, err = canonicalOf(user); err != nil {
		return err
	}
	ev.Encoded = ev.assemble()
	return nil
}

// assemble returns the whole event in canonical form, from its parts.
func (ev *Event) assemble() json.RawMessage {
	id, name, v := quote(ev.ID), quote(ev.Name), quote(ev.Version)
	all := make([]byte, 0, len(ev.Data)+len(ev.User)+len(id)+len(name)+len(v)+80)
	all = append(append(all, `{"data":`...), ev.Data...)
	all = append(append(all, `,"id":`...), id...)
	all = append(append(all, `,"name":`...), name...)
	all = strconv.AppendInt(append(all, `,"ts":`...), ev.Timestamp, 10)
	all = append(append(all, `,"user":`...), ev.User...)
	if ev.Version != "" {
		all = append(append(all, `,"v":`...), v...)
	}
	return append(all, '}')
}

// canonicalOf returns a value as JSON in the form of RFC 8785.
func canonicalOf(value any) (json.RawMessage, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return canonical(encoded)
}

// deliver lets an event arrive. It is handled in a turn of its own.
func (e *Engine) deliver(ev *Event) {
	e.arrivals++
	number := e.arrivals
	ev.number = number
	e.log = append(e.log, ev)
	if _, repeated := e.started[ev.InternalID]; !repeated {
		e.started[ev.InternalID] = nil
	}
	if excess := len(e.log) - e.cfg.Keep; excess > 0 {
		for _, old := range e.log[:excess] {
			delete(e.started, old.InternalID)
		}
		e.log = slices.Delete(e.log, 0, excess)
	}
	e.at(e.clock.now(), func() { e.handleEvent(ev, number) })
}

// handleEvent does what an event does on the server: it cancels runs, resumes them and starts
// new ones. number is the position of its arrival.
func (e *Engine) handleEvent(ev *Event, number uint64) {
	e.refuseIndex(ev.Name)
	e.cancelBy(ev, number)
	e.resumeWaits(ev, number)
	if ev.Name == functionFinished {
		e.finishInvocation(ev)
	}
	if ev.Name == functionInvoked {
		e.startInvoked(ev)
	}
	e.trigger(ev)
}

// Events returns the latest events in the order of their arrival. It has those of the server that
// anything has listened to.
func (e *Engine) Events() []*Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.log)
}

// RunsOf returns the runs that an event has started, by its internal ID, as the server's API
// does: without runs that were skipped.
func (e *Engine) RunsOf(internalID string) []*Run {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.started[internalID])
}
