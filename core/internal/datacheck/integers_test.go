package datacheck_test

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/datacheck"
)

// The expectations are what internal/conformance has seen the server do.
func TestFindInteger(t *testing.T) {
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
		{raw: `616581622363398144`, found: true}, // a float64, but it arrives as …100
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
		path, found := datacheck.FindInteger([]byte(tc.raw))
		require.Equal(t, tc.found, found, tc.raw)
		require.Equal(t, tc.path, path, tc.raw)
	}
}

// The search skips bytes, so the position of an integer must not matter.
func TestFindIntegerAtEveryPosition(t *testing.T) {
	t.Parallel()
	for pad := range 64 {
		raw := `{"a":"` + strings.Repeat("1", pad) + `","b":9007199254740993}`
		path, found := datacheck.FindInteger([]byte(raw))
		require.True(t, found, raw)
		require.Equal(t, "b", path)
	}
}

// FindInteger finds exactly the integers that the server writes with other digits.
func TestFindIntegerMatchesTheServer(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		n := random.Int64() >> random.IntN(16)
		raw, err := json.Marshal(n)
		require.NoError(t, err)
		server, err := json.Marshal(float64(n)) // up to 1e21 as JavaScript does
		require.NoError(t, err)
		_, found := datacheck.FindInteger(raw)
		require.Equal(t, string(server) != string(raw), found, "%s", raw)
	}
}

// These Go types become integers in JSON, though it does not show.
func TestFindIntegerInGoTypes(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{
		"duration": 200*24*time.Hour + 1, "nanoseconds": time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC).UnixNano(),
		"big": new(big.Int).Lsh(big.NewInt(1), 90), "unsigned": uint64(math.MaxUint64), "number": json.Number("9007199254740993"),
	} {
		raw, err := json.Marshal(map[string]any{"v": value})
		require.NoError(t, err)
		path, found := datacheck.FindInteger(raw)
		require.True(t, found, name)
		require.Equal(t, "v", path)
	}
}

func BenchmarkFindInteger(b *testing.B) {
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
				datacheck.FindInteger(raw)
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
