package call

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"strconv"
)

// The SDK would encode the result of a new step twice more: for the operation, and with the
// response. So it gets a stand-in, which is short, and FillIn puts the result into the response.
// Clients with adopted functions may have middleware that changes results: they get the results.

// standInPrefix begins each stand-in. It is random, so nothing else in a response contains it.
var standInPrefix = []byte(`"` + rand.Text() + `:`)

// standIn keeps the result of a new step, and returns what the SDK gets.
func (c *Call) standIn(result json.RawMessage) json.RawMessage {
	if c.SDKReplays || len(result) == 0 {
		return result
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.standsIn = append(c.standsIn, bytes.Clone(result)) // Middleware.Restore and UnmarshalJSON may change theirs
	text := strconv.AppendInt(bytes.Clone(standInPrefix), int64(len(c.standsIn)-1), 10)
	return append(text, '"')
}

// FillIn replaces the stand-ins in a response of the SDK by the results.
func (c *Call) FillIn(response *bytes.Buffer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.standsIn) == 0 {
		return
	}
	size := response.Len()
	for _, result := range c.standsIn {
		size += len(result)
	}
	filled, rest := make([]byte, 0, size), response.Bytes()
	for {
		before, after, found := bytes.Cut(rest, standInPrefix)
		filled = append(filled, before...)
		if !found {
			break
		}
		var index []byte
		index, rest, _ = bytes.Cut(after, []byte(`"`))
		if i, err := strconv.Atoi(string(index)); err == nil {
			filled = append(filled, c.standsIn[i]...)
		}
	}
	*response = *bytes.NewBuffer(filled)
}
