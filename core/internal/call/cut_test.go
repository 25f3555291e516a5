package call_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

func TestCut(t *testing.T) {
	t.Parallel()
	const room = 100
	for _, tc := range []struct {
		name, text string
		want       string // of what is left, without the note
		note       string
	}{
		{"short", "no", "no", ""},
		{"as long as can be", strings.Repeat("x", room), strings.Repeat("x", room), ""},
		{"too long", strings.Repeat("x", room+1), strings.Repeat("x", 80), "… (cut, 101 bytes)"},
		{"between runes only", "x" + strings.Repeat("é", room), "x" + strings.Repeat("é", 39), "… (cut, 201 bytes)"},
		{"as long as can be in JSON", strings.Repeat("<", 16) + "\n\n", strings.Repeat("<", 16) + "\n\n", ""},
		{"too long in JSON", strings.Repeat("<", 17), strings.Repeat("<", 13), "… (cut, 17 bytes)"},
		{"quotes", strings.Repeat(`"`, 51), strings.Repeat(`"`, 40), "… (cut, 51 bytes)"},
		{"control characters", strings.Repeat("\x01", 17), strings.Repeat("\x01", 13), "… (cut, 17 bytes)"},
		{"line separators", strings.Repeat("\u2028", 17), strings.Repeat("\u2028", 13), "… (cut, 51 bytes)"},
		{"no UTF-8", strings.Repeat("\xff", 17), strings.Repeat("\xff", 13), "… (cut, 17 bytes)"},
		{"replacement characters", strings.Repeat("\ufffd", 33), strings.Repeat("\ufffd", 33), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := call.Cut(tc.text, room)
			require.Equal(t, tc.want+tc.note, got)
			encoded, err := json.Marshal(got)
			require.NoError(t, err)
			require.LessOrEqual(t, len(encoded), room+len(`""`))
		})
	}
}

func FuzzCut(f *testing.F) {
	f.Add("", 50)
	f.Add("a \xff<\u2028\ufffdé\x00\x7f\\", 60)
	f.Add(strings.Repeat("é\n", 40), 100)
	f.Fuzz(func(t *testing.T, text string, room int) {
		room = 50 + room&0xff
		got := call.Cut(text, room)
		encoded, err := json.Marshal(got)
		require.NoError(t, err)
		require.LessOrEqual(t, len(encoded), room+len(`""`))
		if whole, err := json.Marshal(text); err == nil && len(whole) <= room+len(`""`) {
			require.Equal(t, text, got)
		}
		require.Equal(t, utf8.ValidString(text), utf8.ValidString(got) && utf8.ValidString(text))
	})
}
