package limits

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What RedisInMemory makes of the data was measured on both servers, with the second event of
// a debounce with a timeout. RedisServer follows lua-cjson, whose default precision is 14
// digits.
func TestThroughLua(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]struct{ memory, server string }{
		`{"a":1}`:                             {`{"a":1}`, `{"a":1}`},
		`{"a":9007199254740991}`:              {`{"a":9007199254740991}`, `{"a":9007199254741000}`},
		`{"a":-1234567890123456}`:             {`{"a":-1234567890123456}`, `{"a":-1234567890123500}`},
		`{"a":123456789012345678}`:            {`{"a":123456789012345680}`, `{"a":123456789012350000}`},
		`{"a":0.1234567890123456789}`:         {`{"a":0.12345678901234568}`, `{"a":0.12345678901235}`},
		`{"a":1e300,"b":1e21,"c":1e-7}`:       {`{"a":1e+300,"b":1e+21,"c":1e-7}`, `{"a":1e+300,"b":1e+21,"c":1e-7}`},
		`{"a":[]}`:                            {`{"a":[]}`, `{"a":{}}`},
		`{"a":{}}`:                            {`{"a":[]}`, `{"a":{}}`},
		`{"a":[[]]}`:                          {`{"a":[[]]}`, `{"a":[{}]}`},
		`{"a":[null,1,null]}`:                 {`{"a":[1]}`, `{"a":[null,1,null]}`},
		`{"a":[null]}`:                        {`{"a":[]}`, `{"a":[null]}`},
		`{"a":null,"b":1}`:                    {`{"b":1}`, `{"a":null,"b":1}`},
		`{"a":{"x":null}}`:                    {`{"a":[]}`, `{"a":{"x":null}}`},
		`{"a":{"1":5}}`:                       {`{"a":{"1":5}}`, `{"a":{"1":5}}`},
		`{"a":[{"x":[],"s":"é\u2028"},null]}`: {`{"a":[{"x":[],"s":"é\u2028"}]}`, `{"a":[{"x":{},"s":"é\u2028"},null]}`},
		`{"a":true,"b":"1"}`:                  {`{"a":true,"b":"1"}`, `{"a":true,"b":"1"}`},
	} {
		for redis, want := range map[Redis]string{RedisInMemory: want.memory, RedisServer: want.server} {
			event, err := ThroughLua([]byte(`{"name":"n","id":"i","ts":1772442000123,"data":`+data+`}`), redis)
			require.NoError(t, err, "%s", data)
			require.JSONEq(t, `{"name":"n","id":"i","ts":1772442000123,"data":`+want+`}`, string(event), "%s: %d", data, redis)
		}
	}
}

// Measured on both servers: two events with the data {} in a debounce with a timeout start no
// run.
func TestThroughLuaLosesEvents(t *testing.T) {
	t.Parallel()
	for event, field := range map[string]string{
		`{"name":"n","data":{}}`:                        "data",
		`{"name":"n","data":{"a":null}}`:                "data",
		`{"name":"n","data":{"a":1},"user":{"x":null}}`: "user",
	} {
		_, err := ThroughLua([]byte(event), RedisInMemory)
		require.ErrorIs(t, err, ErrEventLost)
		require.ErrorContains(t, err, "whose "+field+" has")
		_, err = ThroughLua([]byte(event), RedisServer)
		require.NoError(t, err)
	}
	for _, event := range []string{`{"name":"n","data":{"a":1},"user":{}}`, `{"name":"n"}`} {
		_, err := ThroughLua([]byte(event), RedisInMemory)
		require.NoError(t, err, "%s", event)
	}
	_, err := ThroughLua([]byte(`{`), RedisInMemory)
	require.ErrorContains(t, err, "decoding a debounced event")
}
