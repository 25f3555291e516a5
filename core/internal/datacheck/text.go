package datacheck

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// replaced is what encoding/json writes for bytes that are not UTF-8. It writes a
// U+FFFD that the text contains as it is.
const replaced = `\ufffd`

// textPlace is the key of a Place in Checker.warned for warnings about text.
type textPlace struct{ Place }

// CheckText logs a warning, once per place, if encoding/json has replaced bytes that are
// not UTF-8 in the text in raw, which is JSON. On a nil Checker it does nothing.
func (c *Checker) CheckText(ctx context.Context, place Place, raw []byte) {
	if c == nil || !bytes.Contains(raw, []byte(replaced)) || c.places.Load() >= maxPlaces {
		return
	}
	if _, again := c.warned.Load(textPlace{place}); again {
		return
	}
	path, found := findReplaced(gjson.ParseBytes(raw), "")
	if !found {
		return
	}
	if _, again := c.warned.LoadOrStore(textPlace{place}, nil); again {
		return
	}
	c.places.Add(1)
	c.Logger.WarnContext(ctx, fmt.Sprintf("inngest: %s has text%s that is not UTF-8, and JSON has U+FFFD in place of its bytes; "+
		"use []byte, which becomes base64", place, at(path)), "function", place.Function, "path", path)
}

// findReplaced returns the path of the first text in value that has lost bytes, or the
// path of the object for a key that has.
func findReplaced(value gjson.Result, path string) (where string, found bool) {
	switch {
	case value.Type == gjson.String:
		return path, hasReplaced(value.Raw)
	case value.Type != gjson.JSON || !strings.Contains(value.Raw, replaced):
		return "", false
	}
	isArray := value.IsArray()
	value.ForEach(func(key, member gjson.Result) bool {
		if hasReplaced(key.Raw) {
			where, found = path, true
			return false
		}
		where, found = findReplaced(member, below(path, key.Str, isArray))
		return !found
	})
	return where, found
}

// hasReplaced reports whether a JSON string contains replaced, as opposed to an escaped
// backslash followed by ufffd.
func hasReplaced(raw string) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if strings.HasPrefix(raw[i:], replaced) {
			return true
		}
		i++ // skip the escaped byte, which may be a backslash
	}
	return false
}
