package lab

import (
	"slices"
	"time"
)

// An outage is a time in which what reached the server may not have been stored.
type outage struct{ from, to time.Time }

// storeTime is how long before its end a server may have got a result without having stored
// it. The longest time that was measured, on a busy machine, is 0.4 s.
const storeTime = 2 * time.Second

// outageBefore returns the outage that ends with an entry: that of a database with its
// return, or with the end of the server.
func outageBefore(end Entry, entries []Entry) outage {
	from := end.At
	for _, e := range entries {
		switch {
		case e.At.After(end.At):
		case e.Kind == Down:
			from = e.At
		case e.Kind == Up && e.At.Before(end.At):
			from = end.At
		}
	}
	return outage{from.Add(-storeTime), end.At}
}

func (o outage) contains(at time.Time) bool { return !at.Before(o.from) && !at.After(o.to) }

// ended reports whether the end of a run has reached the server in an outage.
func ended(run string, entries []Entry) bool {
	return slices.ContainsFunc(entries, func(end Entry) bool {
		return (end.Kind == Forgotten || end.Kind == Up) && slices.ContainsFunc(entries, func(e Entry) bool {
			return e.Kind == Ended && e.Run == run && outageBefore(end, entries).contains(e.At)
		})
	})
}
