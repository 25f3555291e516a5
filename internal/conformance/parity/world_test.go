package parity

import (
	"encoding/json"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// appID is the ID of the app on all targets, because slugs and outputs contain it.
const appID = "parity"

// A World is a target that rows run on: an Inngest server, and an app with the functions of
// the rows. Methods that wait fail the test after two minutes.
type World interface {
	// Version returns the version of the server that the target is.
	Version() string
	// Send sends events in one request and returns their IDs.
	Send(t testing.TB, events ...inngestkit.AnyEvent) []string
	// Ended waits until each event has one run that has ended, and returns these runs.
	Ended(t testing.TB, eventIDs ...string) []Run
	// EndedOf waits until n runs of a function have ended, and returns all its runs.
	EndedOf(t testing.TB, functionID string, n int) []Run
	// RunsOf returns the runs of a function.
	RunsOf(t testing.TB, functionID string) []Run
	// Scheduled waits until each event has a run.
	Scheduled(t testing.TB, eventIDs ...string)
	// Reached waits until the run of an event has handed a step over to the server.
	Reached(t testing.TB, eventID, step string)
	// LetPass waits for a time of the target's clock.
	LetPass(t testing.TB, d time.Duration)
	// Signal sends a signal and reports whether a run waited for it.
	Signal(t testing.TB, name string, data any) bool
	// Cancel cancels the run of an event.
	Cancel(t testing.TB, eventID string)
}

// passing is the ID of a function that lets time pass on a server.
const passing = "passing"

// A Run is a run as the target reports it.
type Run struct {
	ID     string
	Status devserver.RunStatus
	Output json.RawMessage
	// Failure is the error, if the target has it apart from the output.
	Failure *inngestkit.RunError
}

// oldest reports whether the target is the oldest supported version, which lacks some of what
// all newer ones have; see docs/servers.md.
func oldest(w World) bool { return w.Version() == devserver.OldestVersion }

// moment is how much time of a target passes between two looks at it.
const moment = 200 * time.Millisecond
