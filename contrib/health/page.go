package inngesthealth

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// pageInfo is what the page shows in addition to the report.
type pageInfo struct {
	// AppID is the ID of the app.
	AppID string
	// DetailsURL is a link to the report with details, "" if details are disabled or
	// already shown.
	DetailsURL string
	// Time is when the report was made. It is shown because the page does not refresh
	// itself. The zero time is not shown.
	Time time.Time
}

// pageHTML is the template of the page. It is also well-formed XML, so a test can parse
// it strictly.
//
//go:embed page.html
var pageHTML string

// Browsers hash a style with Unix line ends, regardless of those in the file.
var pageSource = strings.ReplaceAll(pageHTML, "\r\n", "\n")

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"age":     pageAge,
	"clock":   func(t time.Time) string { return t.UTC().Format("15:04:05 UTC") },
	"count":   pageCount,
	"date":    func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
	"mega":    pageMega,
	"percent": pagePercent,
	"rate":    func(part float64) string { return pagePercent(100 * part) },
	"rfc3339": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"span":    pageSpan,
	"status":  func(s Status) string { return strings.ReplaceAll(string(s), "_", " ") },
	"text":    pageText,
	"tone":    pageTone,
}).Parse(pageSource))

// styleHash is the SHA-256 hash of the page's only style for the
// Content-Security-Policy.
var styleHash = hashOfStyle(pageSource)

func hashOfStyle(source string) string {
	_, style, _ := strings.Cut(source, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// pageCSP is the Content-Security-Policy of the page. It allows only the style and the
// empty icon that prevents requests for /favicon.ico. A hostile message could not load
// or run anything even if it were not escaped.
var pageCSP = "default-src 'none'; style-src 'sha256-" + styleHash + "'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// pageView is the data of the template.
type pageView struct {
	Report
	pageInfo

	Summary    string
	Indicators []pageIndicator
}

type pageIndicator struct {
	Indicator

	Name string
}

// page renders a report as an HTML document. Send it with pageCSP.
func page(r Report, p pageInfo) []byte {
	view := pageView{Report: r, pageInfo: p, Summary: pageSummary(r)}
	for _, indicators := range []map[string]Indicator{r.Error, r.Info} { // indicators that are down come first
		view.Indicators = slices.Grow(view.Indicators, len(indicators))
		for _, name := range names(indicators) {
			view.Indicators = append(view.Indicators, pageIndicator{Indicator: indicators[name], Name: name})
		}
	}
	var b bytes.Buffer
	// Writing to a buffer cannot fail, so an error would be a mistake in page.html. Then
	// half a page is better than a panic.
	_ = pageTemplate.Execute(&b, view)
	return b.Bytes()
}

// pageSummary describes the status in a sentence.
func pageSummary(r Report) string {
	down, all := len(r.Error), len(r.Error)+len(r.Info)
	indicators := fmt.Sprintf("%d of %d indicators are down.", down, all)
	switch {
	case all == 1:
		indicators = "The only indicator is up."
		if down == 1 {
			indicators = "The only indicator is down."
		}
	case down == 0:
		indicators = fmt.Sprintf("All %d indicators are up.", all)
	case down == 1:
		indicators = fmt.Sprintf("1 of %d indicators is down.", all)
	}
	if r.Status == StatusShuttingDown {
		return "The app is shutting down and should receive no new calls. " + indicators
	}
	return indicators
}

// pageTone returns the CSS class of a status, which sets its color and shape.
func pageTone(status any) string {
	switch status {
	case StatusOK, Up, Healthy:
		return "good"
	case StatusShuttingDown, Degraded:
		return "warn"
	default:
		return "bad"
	}
}

// pageText replaces characters that HTML does not allow: control characters other than
// white space, and invalid UTF-8. The template escapes the rest.
func pageText(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || r&0xFFFE == 0xFFFE {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// pageCount formats an integer with commas between the thousands.
func pageCount(n any) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// pageMega formats a size in megabytes of 1024 × 1024 bytes, as in the JSON, with one
// decimal below 10.
func pageMega(size uint64) string {
	const mega = 1 << 20
	if size < 10*mega {
		return pageDecimal(float64(size)/mega, 1) + " MB"
	}
	return pageCount((size+mega/2)/mega) + " MB"
}

// pagePercent formats a percentage with one decimal. A small value is "<0.1%" instead
// of 0.
func pagePercent(p float64) string {
	if p > 0 && p < 0.1 {
		return "<0.1%"
	}
	return pageDecimal(p, 1) + "%"
}

// pageDecimal formats a number with at most the given number of decimals.
func pageDecimal(n float64, decimals int) string {
	s := strconv.FormatFloat(n, 'f', decimals, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func pageAge(seconds float64) string { return pageSpan(ofSeconds(seconds)) }

// pageSpan formats a duration for people, with about three digits.
func pageSpan(d time.Duration) string {
	switch {
	case d <= 0:
		return "0 s"
	case d < time.Millisecond:
		return "<1 ms"
	case d < 10*time.Millisecond:
		return pageDecimal(float64(d)/float64(time.Millisecond), 1) + " ms"
	case d.Round(time.Millisecond) < time.Second:
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + " ms"
	case d < 10*time.Second:
		return pageDecimal(d.Seconds(), 2) + " s"
	case d.Round(100*time.Millisecond) < time.Minute:
		return pageDecimal(d.Seconds(), 1) + " s"
	default:
		return pageLongSpan(d.Round(time.Second))
	}
}

// pageLongSpan formats a duration of at least a minute with its two largest units.
func pageLongSpan(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Hour:
		return pageUnits(d, time.Minute, "min", time.Second, "s")
	case d < day:
		return pageUnits(d, time.Hour, "h", time.Minute, "min")
	default:
		return pageUnits(d, day, "d", time.Hour, "h")
	}
}

func pageUnits(d, large time.Duration, name string, small time.Duration, smallName string) string {
	s := fmt.Sprintf("%d %s", d/large, name)
	if rest := d % large / small; rest > 0 {
		s += fmt.Sprintf(" %d %s", rest, smallName)
	}
	return s
}
