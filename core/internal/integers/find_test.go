package integers_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/integers"
)

// What internal/conformance has seen the server do to these.
func TestFind(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		raw   string
		path  string
		found bool
	}{
		{raw: `9007199254740991`},
		{raw: `9007199254740992`},
		{raw: `9007199254740993`, found: true},
		{raw: `-9007199254740993`, found: true},
		{raw: `616581622363398142`, found: true},
		{raw: `616581622363398144`, found: true}, // a float64, and yet it arrives as …100
		{raw: `616581622363398100`},
		{raw: `12345678901234567890`, found: true},
		{raw: `100000000000000000000`},
		{raw: `1000000000000000000000`, found: true}, // arrives as 1e+21
		{raw: strings.Repeat("9", 400), found: true},
		{raw: `0.1234567890123456789`},
		{raw: `1e300`},
		{raw: `"9007199254740993"`},
		{raw: `"order:9007199254740993,"`}, // looks like one
		{raw: `["a:9007199254740993,",{"b":[1,9007199254740993]}]`, path: "[].b[]", found: true},
		{raw: `{"9007199254740993":1}`},
		{raw: `{"a":{"b":[{"c":1},{"c": 9007199254740993 }]}}`, path: "a.b[].c", found: true},
		{raw: `{"a\"b":9007199254740993}`, path: `a"b`, found: true},
		{raw: ``}, {raw: `[]`}, {raw: `null`}, {raw: `not JSON 9007199254740993`},
	} {
		path, found := integers.Find([]byte(tc.raw))
		require.Equal(t, tc.found, found, tc.raw)
		require.Equal(t, tc.path, path, tc.raw)
	}
}

// Whatever is in front of them, integers are found, and nothing else is.
func TestFindAnywhere(t *testing.T) {
	t.Parallel()
	for pad := range 64 {
		raw := `{"a":"` + strings.Repeat("1", pad) + `","b":9007199254740993}`
		path, found := integers.Find([]byte(raw))
		require.True(t, found, raw)
		require.Equal(t, "b", path)
	}
}

// The rule is that of the server: a number that comes back in other digits is found.
func TestFindGoesByWhatTheServerDoes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		n := random.Int64() >> random.IntN(16)
		raw, err := json.Marshal(n)
		require.NoError(t, err)
		server, err := json.Marshal(float64(n)) // up to 1e21 as JavaScript does
		require.NoError(t, err)
		_, found := integers.Find(raw)
		require.Equal(t, string(server) != string(raw), found, "%s", raw)
	}
}

// Types whose values are integers in JSON though they do not look it.
func TestFindInGoTypes(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{
		"duration": 200*24*time.Hour + 1, "nanoseconds": time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC).UnixNano(),
		"big": new(big.Int).Lsh(big.NewInt(1), 90), "unsigned": uint64(math.MaxUint64), "number": json.Number("9007199254740993"),
	} {
		raw, err := json.Marshal(map[string]any{"v": value})
		require.NoError(t, err)
		path, found := integers.Find(raw)
		require.True(t, found, name)
		require.Equal(t, "v", path)
	}
}

func TestGuardWarnsOnceForAPlace(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	g := &integers.Guard{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	place := integers.Place{What: "the result of step", Name: "a", Function: "fn"}
	for range 3 {
		require.NoError(t, g.Check(t.Context(), place, []byte(`{"id":1}`)))
		require.NoError(t, g.Check(t.Context(), place, []byte(`{"id":9007199254740993}`)))
	}
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"))
	require.Contains(t, log.String(), `the result of step \"a\" has an integer at id that the Inngest server would round`)
	require.Contains(t, log.String(), "function=fn path=id")
	require.NotContains(t, log.String(), "9007")
	place.Name = "b"
	require.NoError(t, g.Check(t.Context(), place, []byte(`{"id":9007199254740993}`)))
	require.Equal(t, 2, strings.Count(log.String(), "level=WARN"))

	g.Refuse = true
	for range 2 {
		require.EqualError(t, g.Check(t.Context(), place, []byte(`[9007199254740993]`)), `the result of step "b" has an integer at [] `+
			`that the Inngest server would round, because it is above 2^53; make it text, with the tag json:",string" or the type string`)
	}
	require.NoError(t, (*integers.Guard)(nil).Check(t.Context(), place, []byte(`9007199254740993`)))
}

// Step names may be made of data. A process does not keep more than so many.
func TestGuardForgetsNoPlaceAndKeepsNotTooMany(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	g := &integers.Guard{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	for i := range 2000 {
		require.NoError(t, g.Check(t.Context(), integers.Place{Name: strings.Repeat("x", i)}, []byte(`9007199254740993`)))
	}
	require.Equal(t, 1000, strings.Count(log.String(), "level=WARN"))
}

func BenchmarkFind(b *testing.B) {
	type order struct {
		ID    string  `json:"id"`
		Big   int64   `json:"big,string"`
		Price float64 `json:"price"`
		At    int64   `json:"at"`
	}
	for _, n := range []int{1, 10, 10_000} {
		orders := make([]order, n)
		for i := range orders {
			orders[i] = order{"01J0000000000000000000000", math.MaxInt64 - int64(i), 0.1 + float64(i), 1700000000000}
		}
		raw, err := json.Marshal(orders)
		require.NoError(b, err)
		b.Run(big.NewInt(int64(len(raw))).String()+"B/find", func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				integers.Find(raw)
			}
		})
		b.Run(big.NewInt(int64(len(raw))).String()+"B/marshal", func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				_, _ = json.Marshal(orders)
			}
		})
	}
}
