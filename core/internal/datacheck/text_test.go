package datacheck_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/datacheck"
)

// Text that encoding/json has changed causes one warning per place. Text that only looks
// changed causes none.
func TestCheckerWarnsOfTextThatIsNotUTF8(t *testing.T) {
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
		c := &datacheck.Checker{Logger: slog.New(slog.NewTextHandler(&log, nil)), Refuse: true}
		raw, err := json.Marshal(tc.value)
		require.NoError(t, err, name)
		for range 2 {
			require.NoError(t, c.Check(t.Context(), datacheck.Place{What: "the result of step", Name: "a", Function: "fn"}, raw))
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
	c := &datacheck.Checker{Logger: slog.New(slog.DiscardHandler)}
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		c.CheckText(b.Context(), datacheck.Place{}, raw)
	}
}
