package limits

import "time"

// Debounces delay the runs of one function until no event has arrived for a period, by
// key. Both supported versions do the same (pkg/execution/debounce of the server).
//
// An event within the period restarts it. The run starts 1.05 s after the period. An event
// in that time opens another debounce, and then both start a run. Near the timeout the
// period is shorter, down to 1 s; then each event within it still restarts it.
type Debounces[E any] struct {
	period  time.Duration
	timeout time.Duration

	open    map[string]*due[*debounce[E]] // by key
	waiting dues[*debounce[E]]
}

// A Debounced is an event that starts a run, after its debounce.
type Debounced[E any] struct {
	Key   string
	Event E
	// Reencoded says that the event has passed through the Lua of the server's Redis, which
	// changes some values: see [ThroughLua].
	Reencoded bool
}

type debounce[E any] struct {
	Debounced[E]

	eventTime time.Time // of the event
	closes    time.Time // events from then on open another debounce
	timeout   time.Time // zero without one
}

// startDelay is how long after the period a run starts (the buffer and the second that
// newDebounce and updateDebounce add).
const startDelay = 50*time.Millisecond + time.Second

// NewDebounces returns Debounces with a period of at least 1 s. timeout limits how long
// events can delay a run; 0 means without limit.
func NewDebounces[E any](period, timeout time.Duration) *Debounces[E] {
	return &Debounces[E]{period: period, timeout: timeout, open: map[string]*due[*debounce[E]]{}}
}

// Add adds an event. eventTime is the event's ts. An event that is older by its ts than the
// one that waits is dropped, and does not restart the period. start is when the run starts
// if no further event arrives. dropped is the event that starts no run, if there is one: the
// earlier one or event itself.
func (d *Debounces[E]) Add(key string, event E, eventTime, now time.Time) (start time.Time, dropped []E) {
	waiting := d.open[key]
	if waiting == nil || !now.Before(waiting.value.closes) {
		return d.create(key, event, eventTime, now), nil
	}
	current := waiting.value
	if current.eventTime.After(eventTime) {
		return waiting.at, []E{event}
	}
	period := d.period.Truncate(time.Second)
	if !current.timeout.IsZero() {
		if now.Add(period).After(current.timeout) {
			period = wholeSeconds(current.timeout.Sub(now))
		}
		current.Reencoded = true
	}
	dropped = []E{current.Event}
	current.Event, current.eventTime, current.closes = event, eventTime, now.Add(period)
	d.waiting.move(waiting, now.Add(period+startDelay))
	return waiting.at, dropped
}

func (d *Debounces[E]) create(key string, event E, eventTime, now time.Time) (start time.Time) {
	created := &debounce[E]{Debounced: Debounced[E]{Key: key, Event: event}, eventTime: eventTime}
	period := d.period
	if d.timeout > 0 {
		created.timeout = now.Add(d.timeout)
		if period > d.timeout {
			period = max(d.timeout.Round(time.Second), time.Second)
		}
	}
	created.closes = now.Add(period.Truncate(time.Second))
	d.open[key] = d.waiting.add(created, now.Add(period+startDelay))
	return d.open[key].at
}

// Next returns the time at which [Debounces.Due] must be called next, and false if nothing
// waits.
func (d *Debounces[E]) Next() (at time.Time, ok bool) { return d.waiting.next() }

// Due returns the events that start a run now.
func (d *Debounces[E]) Due(now time.Time) (started []Debounced[E]) {
	for waiting, ok := d.waiting.pop(now); ok; waiting, ok = d.waiting.pop(now) {
		if current := d.open[waiting.Key]; current != nil && current.value == waiting {
			delete(d.open, waiting.Key)
		}
		started = append(started, waiting.Debounced)
	}
	return started
}
