package integers_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/integers"
)

// Text that encoding/json changes is warned of, once for each place; text that only looks
// like it is not.
func TestGuardWarnsOfTextThatIsNotUTF8(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		value any
		want  string // "" for no warning
	}{
		"a text":              {"M\xfcller", `the result of step \"a\" has text that is not UTF-8`},
		"in an object":        {map[string]any{"a": 1, "names": []any{"x", map[string]any{"n": "M\xfc"}}}, "has text at names[].n that"},
		"a key":               {map[string]any{"in": map[string]int{"M\xfc": 1}}, "has text at in that"},
		"behind a backslash":  {`\` + "\xfc", "has text that"},
		"U+FFFD itself":       {"M\ufffdller", ""},
		"a backslash, ufffd":  {`\ufffd`, ""},
		"two of them, escape": {map[string]any{`\\ufffd`: `\\\ufffd`}, ""},
		"other text":          {"Müller", ""},
		"bytes":               {[]byte("M\xfcller"), ""},
	} {
		var log bytes.Buffer
		g := &integers.Guard{Logger: slog.New(slog.NewTextHandler(&log, nil)), Refuse: true}
		raw, err := json.Marshal(tc.value)
		require.NoError(t, err, name)
		for range 2 {
			require.NoError(t, g.Check(t.Context(), integers.Place{What: "the result of step", Name: "a", Function: "fn"}, raw))
		}
		if tc.want == "" {
			require.Empty(t, log.String(), name)
			continue
		}
		require.Equal(t, 1, strings.Count(log.String(), "level=WARN"), name)
		require.Contains(t, log.String(), tc.want, name)
		require.Contains(t, log.String(), "function=fn", name)
		require.NotContains(t, log.String(), "ller", name)
	}
}

func BenchmarkCheckText(b *testing.B) {
	raw, err := json.Marshal(strings.Repeat(`{"name":"Müller"}`, 1<<10))
	require.NoError(b, err)
	g := &integers.Guard{Logger: slog.New(slog.DiscardHandler)}
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		g.CheckText(b.Context(), integers.Place{}, raw)
	}
}
