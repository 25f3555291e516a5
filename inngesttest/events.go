package inngesttest

import (
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Named is a function, by its ID: an inngestkit.Function, or what [FailureHandler] returns.
type Named interface{ ID() string }

// FailureHandler returns the function that inngestkit.OnFailure adds to function.
func FailureHandler(function Named) Named { return failureHandler(function.ID() + "-failure") }

type failureHandler string

func (f failureHandler) ID() string { return string(f) }

// Recorded has events that were sent: an [Env], an [Engine] or a [Recorder].
type Recorded interface {
	Events() []inngestkit.RawEvent
}

// EventsOf returns the sent events of a type, with their data decoded, in the order in which
// they were sent. It panics if the data of one does not fit the type.
func EventsOf[T any](recorded Recorded, eventType inngestkit.EventType[T]) []inngestkit.Event[T] {
	var events []inngestkit.Event[T]
	for _, raw := range recorded.Events() {
		if raw.Name != eventType.Name() {
			continue
		}
		event, err := eventType.Decode(raw)
		if err != nil {
			panic("inngesttest: EventsOf: " + err.Error())
		}
		events = append(events, event)
	}
	return events
}
