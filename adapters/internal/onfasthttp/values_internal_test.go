package onfasthttp

import (
	"encoding/json"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

type named string

// fasthttp reuses request memory, so values must be copied.
func TestCopies(t *testing.T) {
	t.Parallel()
	type key struct{ any }
	memory := []byte("aaaa")
	text := unsafe.String(&memory[0], len(memory))
	stored := map[any]any{
		"string": text, "named": named(text), "strings": []string{text}, "named strings": []named{named(text)}, "bytes": memory[:2:4],
		"raw": json.RawMessage(memory), "nil": nil, "no bytes": []byte(nil), "number": 1, "numbers": []int{1}, key{1}: "in a struct",
	}
	values := copies(func(visitor func(key, value any)) {
		for key, value := range stored {
			visitor(key, value)
		}
		visitor(named(text), "key")
		visitor([]string{"cannot be compared"}, "value")
		visitor(key{[]int{1}}, "has a type that can be compared, and cannot be")
	})
	copy(memory, "bbbb") // like the next request
	require.Equal(t, map[any]any{
		"string": "aaaa", "named": named("aaaa"), "strings": []string{"aaaa"}, "named strings": []named{"aaaa"}, "bytes": []byte("aa"),
		"raw": json.RawMessage("aaaa"), "nil": nil, "no bytes": []byte(nil), "number": 1, "numbers": []int{1}, key{1}: "in a struct",
		named("aaaa"): "key",
	}, values)
}
