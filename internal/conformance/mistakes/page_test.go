package mistakes

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	goleak.VerifyTestMain(m)
}

// A mistake is something that users do or omit.
type mistake struct {
	// name is the heading of its section on the page.
	name string
	// make makes the mistake and returns the message that the user sees: an error, a
	// panic, or a line of the log without its time.
	make func(t *testing.T) string
}

var mistakes = slices.Concat(configuration, registration, mounting, serving, syncing, sending, steps)

const (
	page = "../../../docs/troubleshooting.md"
	// fewest is the minimum number of mistakes on the page.
	fewest = 60
)

var update = flag.Bool("update", false, "write the messages into the page")

// The page has every mistake with its message, and no others.
func TestTroubleshooting(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(page)
	require.NoError(t, err)
	documented := sections(t, string(raw))
	for _, m := range mistakes {
		require.Contains(t, documented, m.name)
	}
	require.Len(t, mistakes, len(documented), "a section of the page is shown by no test")
	require.GreaterOrEqual(t, len(mistakes), fewest)

	var mu sync.Mutex
	told := map[string]string{}
	t.Run("messages", func(t *testing.T) {
		for _, m := range mistakes {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				message := m.make(t)
				mu.Lock()
				told[m.name] = message
				mu.Unlock()
				if !*update {
					require.Equal(t, words(documented[m.name]), words(message))
				}
			})
		}
	})
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(withMessages(string(raw), told)), 0o644))
	}
}

// section matches a heading and the first block of text below it.
var section = regexp.MustCompile("(?m)^### (.+)\n\n```text\n((?:.*\n)*?)```$")

// sections returns the messages of the page by their headings.
func sections(t *testing.T, text string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, match := range section.FindAllStringSubmatch(text, -1) {
		require.NotContains(t, found, match[1])
		found[match[1]] = match[2]
	}
	require.Len(t, found, strings.Count(text, "\n### "), "a section without a message")
	return found
}

// words returns a message without its line breaks, which the page may have anywhere.
func words(message string) string { return strings.Join(strings.Fields(message), " ") }

// width is the maximum length of a line in the page's messages.
const width = 100

// withMessages returns the page with new messages.
func withMessages(text string, told map[string]string) string {
	return section.ReplaceAllStringFunc(text, func(old string) string {
		heading := section.FindStringSubmatch(old)[1]
		var b strings.Builder
		length := 0
		for word := range strings.FieldsSeq(told[heading]) {
			switch {
			case length == 0:
			case length+1+len(word) > width:
				b.WriteString("\n")
				length = 0
			default:
				b.WriteString(" ")
				length++
			}
			b.WriteString(word)
			length += len(word)
		}
		return "### " + heading + "\n\n```text\n" + b.String() + "\n```"
	})
}
