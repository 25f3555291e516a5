package signing

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/gowebpki/jcs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Verify accepts a signature, within five minutes, only for the bytes that were signed.
// VerifyCanonical also accepts it for JSON whose canonical form these bytes are, and
// returns the canonical form.
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
	f.Add([]byte(long), []byte(" "+long), int32(0)) // too long for the conversion
	const key = "signkey-test-0123456789abcdef"
	other := NewVerifier("signkey-test-fedcba9876543210")
	now := time.Unix(1700000000, 0)
	f.Fuzz(func(t *testing.T, signed, body []byte, age int32) {
		header := Sign([]byte(SecretPart(key)), signed, now.Add(-time.Duration(age)*time.Second))
		v := NewVerifier("signkey-test-fedcba9876543210", key)
		parsed, refused := Parse(header, now)
		fresh := -300 <= age && age <= 300
		require.Equal(t, fresh, refused == nil)
		if !fresh {
			return
		}
		same := bytes.Equal(signed, body)
		_, got := v.Verify(parsed, body)
		require.Equal(t, same, got != nil)

		canonical, err := jcs.Transform(body)
		same = same || (err == nil && len(body) <= maxCanonicalBytes && bytes.Equal(signed, canonical))
		used, got := v.VerifyCanonical(parsed, body)
		require.Equal(t, same, got != nil)
		if same {
			require.Equal(t, SecretPart(key), string(got))
			require.True(t, bytes.Equal(signed, used), "%q", used)
		}
		_, got = other.VerifyCanonical(parsed, body)
		require.Nil(t, got, "another key")
	})
}
