package call

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	sdkerrors "github.com/inngest/inngestgo/errors"
)

var errNoID = sdkerrors.NoRetryError(errors.New("a step has an empty ID: give it one that names it in the run"))

// text is what the key of a step is made of: its name, and its number from the second
// step with this name on.
func (id ID) text() string {
	if id.Index == 0 {
		return id.Name
	}
	return id.Name + ":" + strconv.Itoa(id.Index)
}

// checkKey refuses a step with the key of another one, whose result it would get: the
// second "poll" and the first "poll:1" have the same. Whichever the function comes to
// first, the other one is found.
func (c *Call) checkKey(id ID) error {
	if id.Index > 0 {
		if !c.numbered || c.indexes[id.text()] == 0 {
			return nil
		}
		return sameKey(id)
	}
	name, index, ok := splitNumber(id.Name)
	if !ok {
		return nil
	}
	c.numbered = true
	if c.indexes[name] <= index {
		return nil
	}
	return sameKey(ID{Name: name, Index: index})
}

// sameKey says that a step that was counted has the key of one with just this ID.
func sameKey(counted ID) error {
	return sdkerrors.NoRetryError(fmt.Errorf(
		"step %q has the ID that Inngest gives to step number %d of those with the ID %q, "+
			"and one would get the result of the other: give one of them another ID",
		counted.text(), counted.Index+1, counted.Name))
}

// splitNumber splits a name that looks like one that was counted: "poll:1".
func splitNumber(text string) (name string, index int, ok bool) {
	if last := text[len(text)-1]; last < '0' || last > '9' {
		return "", 0, false
	}
	colon := strings.LastIndexByte(text, ':')
	if colon < 0 {
		return "", 0, false
	}
	index, err := strconv.Atoi(text[colon+1:])
	// Only numbers as they are written in keys: no "+1" and no "01".
	ok = err == nil && index > 0 && strconv.Itoa(index) == text[colon+1:]
	return text[:colon], index, ok
}
