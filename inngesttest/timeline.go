package inngesttest

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one row of a timeline.
type row struct {
	at      time.Duration // since the test began
	call    int           // 0 for none
	step    string
	attempt string
	text    string
}

// maxCell bounds the outcome in a row, in bytes.
const maxCell = 300

// table renders rows under a heading.
func table(heading string, rows []row) string {
	var text strings.Builder
	text.WriteString(heading)
	text.WriteByte('\n')
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprint(w, "  time\tcall\tstep\tattempt\toutcome\n")
	for _, r := range rows {
		call := "–"
		if r.call > 0 {
			call = strconv.Itoa(r.call)
		}
		_, _ = fmt.Fprintf(w, "  +%s\t%s\t%s\t%s\t%s\n", short(r.at), call, orDash(r.step), orDash(r.attempt), cell(r.text))
	}
	_ = w.Flush() // writes to a strings.Builder
	return text.String()
}

func orDash(text string) string {
	if text == "" {
		return "–"
	}
	return cell(text)
}

// cell returns text on one line of limited length.
func cell(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxCell {
		text = strings.ToValidUTF8(text[:maxCell], "") + "…"
	}
	return text
}

// short returns a duration without digits that no reader needs.
func short(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		text := strconv.Itoa(int(d/(24*time.Hour))) + "d"
		if rest := (d % (24 * time.Hour)).Round(time.Second); rest > 0 {
			text += rest.String()
		}
		return text
	case d >= time.Second:
		return d.Round(time.Millisecond).String()
	default:
		return d.Round(time.Microsecond).String()
	}
}
