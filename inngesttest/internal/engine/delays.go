package engine

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/inngestkit/inngestkit/inngesttest/internal/expr"
	"github.com/inngestkit/inngestkit/inngesttest/internal/limits"
)

// This file has the options that hold events back before a run exists: batches and
// debounces.

// addToBatch adds an event to the batch of its key.
func (e *Engine) addToBatch(fn *Function, ev *Event) {
	option := fn.options.batch
	key := ""
	if option.Key != "" {
		value := e.value(nil, option.Key, expr.Vars{fieldEvent: ev.Decoded})
		if value.Err != nil {
			e.row(nil, "event %q starts no run of %s: the key %s of its batch fails: %v",
				ev.Name, fn.Slug, option.Key, value.Err)
			return
		}
		key = expr.KeyText(value.Value)
	}
	e.row(nil, "%s", withKey("event "+strconv.Quote(ev.Name)+" waits in a batch of "+fn.Slug, option.Key, key))
	e.startBatches(fn, fn.limiters.batches.Add(key, ev.InternalID, len(ev.Encoded), ev, e.clock.now()))
	e.armDelays(fn, fn.limiters)
}

func (e *Engine) startBatches(fn *Function, batches []limits.Batch[*Event]) {
	for _, b := range batches {
		e.schedule(request{fn: fn, events: b.Events, batch: true})
	}
}

// debounce lets an event restart the debounce of its key.
func (e *Engine) debounce(fn *Function, ev *Event) {
	option := fn.options.debounce
	key := ""
	if option.Key != "" {
		value := e.value(nil, option.Key, expr.Vars{fieldEvent: ev.Decoded})
		if value.Err != nil {
			key = "<invalid>" // as on the server
			e.row(nil, "the key %s of the debounce of %s fails for event %q: %v; all such events share a debounce",
				option.Key, fn.Slug, ev.Name, value.Err)
		} else {
			key = expr.KeyText(value.Value)
		}
	}
	now := e.clock.now()
	at, dropped := fn.limiters.debounces.Add(key, ev, time.UnixMilli(ev.Timestamp), now)
	e.row(nil, "event %q is debounced: %s starts in %s", ev.Name, withKey(fn.Slug, option.Key, key), at.Sub(now))
	for _, old := range dropped {
		e.row(nil, "event %q with ID %s starts no run of %s: a newer one has taken its place", old.Name, old.ID, fn.Slug)
	}
	e.armDelays(fn, fn.limiters)
}

func (e *Engine) startDebounced(fn *Function, due limits.Debounced[*Event]) {
	ev := due.Event
	if due.Reencoded {
		if ev = e.reencoded(ev); ev == nil {
			return
		}
	}
	e.schedule(request{fn: fn, events: []*Event{ev}, debounced: true})
}

// reencoded returns an event as the Lua of the server's Redis writes it, nil if the server
// loses it.
func (e *Engine) reencoded(ev *Event) *Event {
	changed := *ev
	encoded, err := limits.ThroughLua(ev.Encoded, limits.RedisInMemory)
	var decoded wireEvent
	if err == nil {
		err = json.Unmarshal(encoded, &decoded)
	}
	if err == nil {
		err = changed.encode(decoded.Data, decoded.User)
	}
	if err != nil {
		e.fault(nil, "event %q starts no run of a debounced function on a real server: %v", ev.Name, err)
		return nil
	}
	if string(changed.Encoded) != string(ev.Encoded) {
		e.row(nil, "the server's debounce with a timeout changes event %q: %s", ev.Name, changed.Data)
	}
	return &changed
}

// armDelays lets the batches or debounces of a function start when they are due. The
// limiters stay the same when the function changes.
func (e *Engine) armDelays(fn *Function, l *limiters) {
	at, waiting := l.nextDelay()
	if l.delay != nil && waiting && l.delay.at.Equal(at) {
		return
	}
	if l.delay != nil {
		e.drop(l.delay)
		l.delay = nil
	}
	if !waiting {
		return
	}
	l.delay = e.at(at, func() {
		l.delay = nil
		e.startDelayed(fn, l)
		e.armDelays(fn, l)
	})
}

// nextDelay returns when a batch or a debounce is due next.
func (l *limiters) nextDelay() (at time.Time, waiting bool) {
	if l.batches != nil {
		return l.batches.Next()
	}
	return l.debounces.Next()
}

func (e *Engine) startDelayed(fn *Function, l *limiters) {
	if l.batches != nil {
		e.startBatches(fn, l.batches.Due(e.clock.now()))
		return
	}
	for _, due := range l.debounces.Due(e.clock.now()) {
		e.startDebounced(fn, due)
	}
}
