package limits

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// A Redis is what the server keeps its state in.
type Redis int

const (
	// RedisInMemory is built into the server. The dev server always has it, and the
	// self-hosted one without --redis-uri (gopher-json in miniredis).
	RedisInMemory Redis = iota
	// RedisServer is a Redis server (its cjson).
	RedisServer
)

// ErrEventLost says that no run starts for a debounced event, because the server cannot read
// what its in-memory Redis made of it.
var ErrEventLost = errors.New("the event is lost")

// ThroughLua returns an event, in JSON, as it is after a Lua script of the server has decoded
// and encoded it: see [Debounced.Reencoded].
//
// [RedisInMemory] drops null from objects and lists, and makes a list of an empty object. If
// the event's data or user thus becomes a list, the error is [ErrEventLost].
//
// [RedisServer] rounds numbers to 14 digits, and makes an object of an empty list.
func ThroughLua(event []byte, redis Redis) ([]byte, error) {
	var decoded map[string]any
	if err := json.Unmarshal(event, &decoded); err != nil {
		return nil, fmt.Errorf("decoding a debounced event: %w", err)
	}
	if redis == RedisServer {
		return json.Marshal(cjson(decoded))
	}
	// The server leaves an empty user out (Event in its pkg/event).
	if user, ok := decoded["user"].(map[string]any); ok && len(user) == 0 {
		delete(decoded, "user")
	}
	encoded, _ := gopherJSON(decoded).(map[string]any)
	for _, field := range []string{"data", "user"} {
		if _, list := encoded[field].([]any); list {
			return nil, fmt.Errorf("%w: a debounce with a timeout needs events whose %s has a field that is not null",
				ErrEventLost, field)
		}
	}
	return json.Marshal(encoded)
}

func cjson(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			v[key] = cjson(member)
		}
	case []any:
		if len(v) == 0 {
			return map[string]any{}
		}
		for i, element := range v {
			v[i] = cjson(element)
		}
	case float64:
		rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 14, 64), 64)
		if err == nil {
			return rounded
		}
	}
	return value
}

func gopherJSON(value any) any {
	switch v := value.(type) {
	case map[string]any:
		kept := make(map[string]any, len(v))
		for key, member := range v {
			if member != nil {
				kept[key] = gopherJSON(member)
			}
		}
		if len(kept) == 0 {
			return []any{}
		}
		return kept
	case []any:
		kept := make([]any, 0, len(v))
		for _, element := range v {
			if element != nil {
				kept = append(kept, gopherJSON(element))
			}
		}
		return kept
	}
	return value
}
