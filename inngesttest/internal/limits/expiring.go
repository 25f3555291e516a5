package limits

import "time"

// expiring is a map whose entries expire, as keys in Redis do. The zero value is empty. It
// drops expired entries when it has doubled in size, so it never holds more than twice the
// entries that are alive, and minSweep.
type expiring[V any] struct {
	entries map[string]expiringEntry[V]
	sweepAt int // the number of entries at which expired ones are dropped
}

type expiringEntry[V any] struct {
	value   V
	expires time.Time
}

// minSweep is the number of entries from which on expired ones are looked for.
const minSweep = 64

func (e *expiring[V]) get(key string, now time.Time) (value V, expires time.Time, ok bool) {
	entry, ok := e.entries[key]
	if !ok || !now.Before(entry.expires) {
		return value, time.Time{}, false
	}
	return entry.value, entry.expires, true
}

func (e *expiring[V]) set(key string, value V, expires, now time.Time) {
	if e.entries == nil {
		e.entries = map[string]expiringEntry[V]{}
	}
	e.entries[key] = expiringEntry[V]{value, expires}
	if len(e.entries) < max(e.sweepAt, minSweep) {
		return
	}
	for k, entry := range e.entries {
		if !now.Before(entry.expires) {
			delete(e.entries, k)
		}
	}
	e.sweepAt = 2 * len(e.entries)
}
