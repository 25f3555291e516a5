package inngestkit

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gowebpki/jcs"
	"github.com/stretchr/testify/require"
)

// The envelope's parts are slices of the body, and what encoding/json sees there.
func FuzzParseEnvelope(f *testing.F) {
	for _, body := range []string{
		`{"event":{"data":{}},"events":[{}],"steps":{"a":{"data":1}},"ctx":{"run_id":"r","attempt":2,"use_api":false},"use_api":true}`,
		" \n{ \"ctx\" : { } , \"event\" : null } \t", `{"event":1,"ctx":{},"event":[2,"\u0000"]}`, `{"EVENT":1,"ctx":{}}`,
		`{"\u0065vent":1,"c\u0074x":{"run_id":"\ud800"}}`, `{"event":{},"steps":null,"ctx":{}}`, `{"event":{},"ctx":[]}`, `{"event":{},"ctx":null}`, `[]`, `{}`, ``,
		`{"event":{},"ctx":{},"use_api":"true"}`, `{"event":{},"ctx":{"attempt":1.5}}`, `{"event":{},"ctx":{}} x`, "{\"event\":\"\xff\",\"ctx\":{}}",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		e, err := parseEnvelope(body)
		require.Equal(t, before, body)
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(body, &want))
		for key, part := range map[string][]byte{"event": e.Event, "events": e.Events, "steps": e.Steps, "ctx": e.Context} {
			if key == "steps" && string(want[key]) == "null" {
				want[key] = nil
			}
			require.Equal(t, string(want[key]), string(part), key)
			require.True(t, len(part) == 0 || inside(part, body), "%s is not a slice of the body", key)
		}
		sdk := e.forSDK()
		require.True(t, json.Valid(sdk), "%q", sdk)
	})
}

func inside(part, whole []byte) bool {
	for i := 0; i+len(part) <= len(whole); i++ {
		if &whole[i] == &part[0] {
			return true
		}
	}
	return false
}

// A signature is accepted for the bytes it was made for, within five minutes; in syncs
// and probes also for JSON whose canonical form these are, which is used then. For
// nothing else.
func FuzzVerify(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":[2]}`), []byte(`{ "b": [2], "a": 1 }`), int32(0))
	f.Add([]byte(`{"a":1}`), []byte(`{"a":1}`), int32(300))
	f.Add([]byte(`{"a":1}`), []byte(`{"a":1}`), int32(-301))
	f.Add([]byte(`{"a":1}`), []byte(`{"a":2}`), int32(1))
	f.Add([]byte(`{"a":1}`), []byte(`{"a":1}1`), int32(1))
	f.Add([]byte(`{"a":1}`), []byte(`{"a":1.0}`), int32(-1))
	f.Add([]byte(`1`), []byte(`1e0`), int32(1<<31-1))
	f.Add([]byte(nil), []byte("\xff"), int32(-1<<31))
	f.Add([]byte(`"\u00e9"`), []byte(`"é"`), int32(0))
	f.Add([]byte(strings.Repeat("[", 100)), []byte(strings.Repeat("[", 100)), int32(0))
	long := `{"a":"` + strings.Repeat("x", maxCanonicalBytes) + `"}`
	f.Add([]byte(long), []byte(" "+long), int32(0)) // too long to be brought into canonical form
	key := Secret("signkey-test-0123456789abcdef")
	other := newVerifier("signkey-test-fedcba9876543210")
	now := time.Unix(1700000000, 0)
	f.Fuzz(func(t *testing.T, signed, body []byte, age int32) {
		header := sign([]byte(secretPart(key)), signed, now.Add(-time.Duration(age)*time.Second))
		v := newVerifier("signkey-test-fedcba9876543210", key)
		parsed, refused := parseSignature(header, now)
		fresh := -300 <= age && age <= 300
		require.Equal(t, fresh, refused == nil)
		if !fresh {
			return
		}
		same := bytes.Equal(signed, body)
		require.Equal(t, same, v.verify(parsed, body) != nil)

		canonical, err := jcs.Transform(body)
		same = same || (err == nil && len(body) <= maxCanonicalBytes && bytes.Equal(signed, canonical))
		used, got := v.verifySmall(parsed, body)
		require.Equal(t, same, got != nil)
		if same {
			require.Equal(t, secretPart(key), string(got))
			require.True(t, bytes.Equal(signed, used), "%q", used)
		}
		_, got = other.verifySmall(parsed, body)
		require.Nil(t, got, "another key")
	})
}
