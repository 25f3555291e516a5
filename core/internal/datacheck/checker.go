// Package datacheck finds data that does not arrive as the program sent it: integers
// that the Inngest server rounds, and text that is not UTF-8.
package datacheck

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
)

// Checker checks the data that a process sends, and warns once per Place.
type Checker struct {
	Logger *slog.Logger
	// Refuse makes Check return an error for an integer, instead of logging a warning.
	Refuse bool

	warned sync.Map // Place for integers, textPlace for text
	places atomic.Int64
}

// Place is where data comes from.
type Place struct {
	// What describes the data: "the result of step", "the data of event".
	What string
	// Name is the name of the step or the event, "" for none.
	Name string
	// Function is the ID of the function, "" outside of one.
	Function string
}

// String returns the name of the place in messages.
func (p Place) String() string {
	if p.Name == "" {
		return p.What
	}
	return fmt.Sprintf("%s %q", p.What, p.Name)
}

// maxPlaces bounds the warnings of a process, because names of steps may contain data.
const maxPlaces = 1000

// Check checks the integers in raw, which is JSON, and its text; see CheckText. On a nil
// Checker it does nothing.
func (c *Checker) Check(ctx context.Context, place Place, raw []byte) error {
	c.CheckText(ctx, place, raw)
	if c == nil || !mayHaveLongInteger(raw) {
		return nil
	}
	if _, again := c.warned.Load(place); !c.Refuse && (again || c.places.Load() >= maxPlaces) {
		return nil
	}
	path, found := FindInteger(raw)
	switch {
	case !found:
		return nil
	case c.Refuse:
		return &IntegerError{place, path}
	}
	if _, again := c.warned.LoadOrStore(place, nil); again {
		return nil
	}
	c.places.Add(1)
	c.Logger.WarnContext(ctx, "inngest: "+(&IntegerError{place, path}).Error(), "function", place.Function, "path", path)
	return nil
}

// below returns the path of a member of the object or array at path.
func below(path, key string, isArray bool) string {
	switch {
	case isArray:
		return path + "[]"
	case path == "":
		return key
	default:
		return path + "." + key
	}
}

// at returns the path as a part of a sentence.
func at(path string) string {
	if path == "" {
		return ""
	}
	return " at " + path
}
