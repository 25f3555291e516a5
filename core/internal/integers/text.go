package integers

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

// replaced is what encoding/json writes in place of bytes that are not UTF-8. It writes a
// U+FFFD that was in the text as it is.
const replaced = `\ufffd`

// textPlace is a place whose text was warned of.
type textPlace struct{ Place }

// CheckText warns, once for each place, if text in raw, which is JSON, has lost bytes that
// are not UTF-8. A nil Guard does not.
func (g *Guard) CheckText(ctx context.Context, place Place, raw []byte) {
	if g == nil || !bytes.Contains(raw, []byte(replaced)) || g.places.Load() >= maxPlaces {
		return
	}
	if _, again := g.warned.Load(textPlace{place}); again {
		return
	}
	path, found := findReplaced(gjson.ParseBytes(raw), "")
	if !found {
		return
	}
	if _, again := g.warned.LoadOrStore(textPlace{place}, nil); again {
		return
	}
	g.places.Add(1)
	g.Logger.WarnContext(ctx, fmt.Sprintf("inngest: %s has text%s that is not UTF-8, and JSON has U+FFFD in place of its bytes; "+
		"use []byte, which becomes base64", place, at(path)), "function", place.Function, "path", path)
}

// findReplaced returns the path of the first text in value that has lost bytes, or of what
// a key that has is in.
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

// hasReplaced reports whether a JSON string has replaced in it, and not a backslash and
// ufffd.
func hasReplaced(raw string) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if strings.HasPrefix(raw[i:], replaced) {
			return true
		}
		i++ // what is escaped may be a backslash
	}
	return false
}
