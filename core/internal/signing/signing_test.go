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

func TestParse(t *testing.T) {
	t.Parallel()
	now := time.Unix(1700000000, 0)
	sum := strings.Repeat("0a", 32)
	for name, tc := range map[string]struct {
		header string
		want   error
	}{
		"valid":                {"t=1700000000&s=" + sum, nil},
		"other order, more":    {"s=" + sum + "&x=1&t=1700000000", nil},
		"5 minutes old":        {"t=1699999700&s=" + sum, nil},
		"older":                {"t=1699999699&s=" + sum, ErrTime},
		"5 minutes in advance": {"t=1700000300&s=" + sum, nil},
		"more in advance":      {"t=1700000301&s=" + sum, ErrTime},
		"missing":              {"", ErrMissing},
		"without time":         {"s=" + sum, ErrMalformed},
		"time is not a number": {"t=now&s=" + sum, ErrMalformed},
		"time overflows":       {"t=99999999999999999999&s=" + sum, ErrMalformed},
		"without sum":          {"t=1700000000", ErrMalformed},
		"sum is too short":     {"t=1700000000&s=" + sum[2:], ErrMalformed},
		"sum is not hex":       {"t=1700000000&s=" + strings.Repeat("x", 64), ErrMalformed},
		"not a query":          {"%zz", ErrMalformed},
	} {
		_, err := Parse(tc.header, now)
		require.ErrorIs(t, err, tc.want, name)
	}
}

// A signature made with an empty key, which anyone has, is never accepted.
func TestEmptyKeysDoNotSign(t *testing.T) {
	t.Parallel()
	now := time.Unix(1700000000, 0)
	s, err := Parse(Sign(nil, []byte("{}"), now), now)
	require.NoError(t, err)
	v := NewVerifier("", "signkey-test-", "signkey-test-0123")
	_, key := v.Verify(s, []byte("{}"))
	require.Nil(t, key)
	_, key = v.VerifyCanonical(s, []byte(" {}"))
	require.Nil(t, key)
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]struct {
		prefix, valid  bool
		secret, hashed string
	}{
		"": {},
		"signkey-test-0123": {
			true, true, "0123", "signkey-test-b71de80778f2783383f5d5a3028af84eab2f18a4eb38968172ca41724dd4b3f4",
		},
		"0123":              {false, true, "0123", "b71de80778f2783383f5d5a3028af84eab2f18a4eb38968172ca41724dd4b3f4"},
		"signkey-test-":     {true, false, "", ""},
		"signkey-test-012":  {true, false, "012", ""},
		"signkey-test-oops": {true, false, "oops", ""},
	} {
		require.Equal(t, want.prefix, HasKeyPrefix(key), key)
		require.Equal(t, want.valid, IsKey(key), key)
		require.Equal(t, want.secret, SecretPart(key), key)
		require.Equal(t, want.hashed, HashedKey(key), key)
	}
}
