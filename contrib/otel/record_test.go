package inngestotel

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// Recorded text is valid UTF-8 and within the limit.
func TestCut(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":            "",
		"short":       "short",
		"0123456789":  "0123456789",
		"01234567890": "0123456…", "äöüäöü": "äöü…", "012345ö7890": "012345…", "€€€€": "€€…",
		"a\xffb": "a�b", strings.Repeat("\xffa", 4): "�a�…",
	} {
		got := cut(text, 10)
		require.Equal(t, want, got)
		require.LessOrEqual(t, len(got), 10)
		require.True(t, utf8.ValidString(got))
	}
	require.Equal(t, "…", cut("€€", minLimit), "the smallest limit")
}
