package integers

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
)

// Guard says where integers are that the server would change.
type Guard struct {
	Logger *slog.Logger
	// Refuse has Check return an error instead of a warning in the log.
	Refuse bool

	warned sync.Map // the places
	places atomic.Int64
}

// Place is where data comes from. Of each there is one warning.
type Place struct {
	// What the data is: "the result of step", "the data of event".
	What string
	// Name is the name of the step or the event; "" for none.
	Name string
	// Function is the ID of the function; "" outside of one.
	Function string
}

// maxPlaces bounds the warnings of a process: names of steps may be made of data.
const maxPlaces = 1000

// Check looks at raw, which is JSON, for integers and, as CheckText, for text. A nil Guard
// does not.
func (g *Guard) Check(ctx context.Context, place Place, raw []byte) error {
	g.CheckText(ctx, place, raw)
	if g == nil || !suspect(raw) {
		return nil
	}
	if _, again := g.warned.Load(place); !g.Refuse && (again || g.places.Load() >= maxPlaces) {
		return nil
	}
	path, found := Find(raw)
	switch {
	case !found:
		return nil
	case g.Refuse:
		return &Error{place, path}
	}
	if _, again := g.warned.LoadOrStore(place, nil); again {
		return nil
	}
	g.places.Add(1)
	g.Logger.WarnContext(ctx, "inngest: "+(&Error{place, path}).Error(), "function", place.Function, "path", path)
	return nil
}

// Error says which integer would be changed.
type Error struct {
	Place Place
	Path  string
}

// Error implements error. The message does not have the integer.
func (e *Error) Error() string {
	return fmt.Sprintf("%s has an integer%s that the Inngest server would round, because it is above 2^53; "+
		`make it text, with the tag json:",string" or the type string`, e.Place, at(e.Path))
}

// String is what the place is called in messages.
func (p Place) String() string {
	if p.Name == "" {
		return p.What
	}
	return fmt.Sprintf("%s %q", p.What, p.Name)
}

func at(path string) string {
	if path == "" {
		return ""
	}
	return " at " + path
}
