package inngesthealth

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var pageTime = time.Date(2026, 3, 1, 13, 0, 5, 700, time.FixedZone("CET", 3600))

const (
	pageTimeText = "2026-03-01 12:00:05 UTC"
	pageTimeAttr = "2026-03-01T12:00:05Z"
)

// pageOK returns the report of a healthy app, without details.
func pageOK() Report {
	synced, age, recent := pageTime, 12.34, 4.2
	return Report{Status: StatusOK, Info: map[string]Indicator{
		InngestIndicator: {Status: Up, AppInfo: &AppInfo{Functions: 5, LastSync: &synced}},
		ServerIndicator:  {Status: Up, AgeSeconds: &age},
		"database":       {Status: Up, AgeSeconds: &recent},
	}}
}

// pageError returns a report with two indicators that are down.
func pageError() Report {
	r := pageOK()
	age := 3.0
	r.Status = StatusError
	r.Error = map[string]Indicator{
		ServerIndicator: {Status: Down, Message: "the check failed; see the app's log", AgeSeconds: &age},
		MemoryIndicator: {Status: Down, Message: "96.3% of the memory limit is used; the threshold is 95%"},
	}
	delete(r.Info, ServerIndicator)
	return r
}

// pageShuttingDown returns the report of a draining app that was never synced.
func pageShuttingDown() Report {
	return Report{
		Status: StatusShuttingDown,
		Info:   map[string]Indicator{ServerIndicator: {Status: Up}},
		Error: map[string]Indicator{
			InngestIndicator: {Status: Down, Message: "the app is shutting down", AppInfo: &AppInfo{Functions: 1}},
		},
	}
}

// pageDetails returns details with the given number of functions, of all statuses.
func pageDetails(functions int) *Details {
	d := &Details{Memory: Memory{UsedBytes: 241 << 20, LimitBytes: 512 << 20, Percentage: 47.07}, System: SystemMetrics{
		Goroutines: 1234, HeapBytes: 38 << 20, MaxProcs: 4, Uptime: 76*time.Hour + 12*time.Minute,
	}}
	names := []string{"send-welcome-email", "charge-card", "nightly-report", "resize-image", "import"}
	succeeded, failed := pageTime.Add(-time.Minute), pageTime.Add(-time.Hour)
	for i := range functions {
		f := FunctionMetrics{ID: names[i%len(names)], Status: Healthy}
		if i >= len(names) {
			f.ID += "-" + strconv.Itoa(i)
		}
		switch i % len(names) {
		case 4: // never called
		case 1:
			f.Status, f.LastFailure, f.Failures, f.FailureRate = Unhealthy, &failed, 77, 0.885
			fallthrough
		case 2:
			f.Retries, f.ErrorRate = 431, 0.625
			if f.Status == Healthy {
				f.Status = Degraded
			}
			fallthrough
		default:
			f.LastExecution, f.LastSuccess = new(pageTime), &succeeded
			f.Executions, f.Active, f.Successes = 1204567, 3, 98765
			f.Durations = Durations{P50: 8400 * time.Microsecond, P95: 260 * time.Millisecond, Max: 83 * time.Second}
		}
		d.Functions = append(d.Functions, f)
	}
	return d
}

// detailed returns a report with details.
func detailed(r Report, d *Details) Report {
	r.Details = d
	return r
}

// A document is a parsed page: its text, with one space between elements, its elements
// and its attributes.
type document struct {
	title, text, style string
	elements           map[string]int
	attributes         map[string][]string // by element and name
}

// parse reads a page as strict XML. Text that was not escaped makes it fail, or shows
// up in the elements.
func parse(t *testing.T, page []byte) document {
	t.Helper()
	require.True(t, bytes.HasPrefix(page, []byte("<!DOCTYPE html>\n<html lang=\"en\">")))
	d := document{elements: map[string]int{}, attributes: map[string][]string{}}
	decoder := xml.NewDecoder(bytes.NewReader(page))
	var open []string
	var text, title, style strings.Builder
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			open = append(open, token.Name.Local)
			d.elements[token.Name.Local]++
			for _, a := range token.Attr {
				name := token.Name.Local + " " + a.Name.Local
				d.attributes[name] = append(d.attributes[name], a.Value)
			}
		case xml.EndElement:
			open = open[:len(open)-1]
			text.WriteByte(' ')
		case xml.CharData:
			switch open := strings.Join(open, " "); open {
			case "html head title":
				title.Write(token)
			case "html head style":
				style.Write(token)
			default:
				text.Write(token)
			}
		}
	}
	require.Empty(t, open)
	d.title, d.style, d.text = title.String(), style.String(), strings.Join(strings.Fields(text.String()), " ")
	return d
}

func TestPage(t *testing.T) {
	t.Parallel()
	noLimit := &Details{Memory: Memory{UsedBytes: 5 << 19}, System: SystemMetrics{Uptime: 1500 * time.Microsecond}}
	one := pageDetails(1)
	one.Memory = Memory{UsedBytes: 900 << 20, LimitBytes: 1000 << 20, Percentage: 90}
	one.System.Uptime = 0
	function := "send-welcome-email healthy 1,204,567 " + pageTimeText + " 3 98,765 2026-03-01 11:59:05 UTC 0 never 0% 0 0% 8.4 ms 260 ms 1 min 23 s"
	for name, test := range map[string]struct {
		report Report
		info   pageInfo
		title  string
		// has lists texts in order of appearance, hasNot lists absent texts.
		has, hasNot []string
	}{
		"ok": {
			report: pageOK(), info: pageInfo{AppID: "shop"}, title: "ok: shop health",
			has: []string{
				"Health of shop ok All 3 indicators are up.",
				"up inngest 5 functions · last sync " + pageTimeText,
				"up database checked 4.2 s ago", "up inngest-server checked 12.3 s ago",
			},
			hasNot: []string{"Details", "Memory", "Functions", "registered", "As of", "down"},
		},
		"error": {
			report: pageError(), info: pageInfo{AppID: "shop", DetailsURL: "/health/inngest?details=true", Time: pageTime},
			title: "error: shop health",
			has: []string{
				"Health of shop error 2 of 4 indicators are down.",
				"down inngest-server the check failed; see the app's log checked 3 s ago",
				"down memory 96.3% of the memory limit is used; the threshold is 95%",
				"up inngest 5 functions", "up database", "Details", "As of " + pageTimeText,
			},
			hasNot: []string{"Uptime", "Functions"},
		},
		"shutting down": {
			report: pageShuttingDown(), info: pageInfo{AppID: "shop"}, title: "shutting down: shop health",
			has: []string{
				"Health of shop shutting down The app is shutting down and should receive no new calls. 1 of 2 indicators is down.",
				"down inngest the app is shutting down 1 function · last sync never", "up inngest-server",
			},
			hasNot: []string{"shutting_down"},
		},
		"details": {
			report: detailed(pageOK(), pageDetails(5)), info: pageInfo{AppID: "shop"}, title: "ok: shop health",
			has: []string{
				"Memory 241 MB of 512 MB (47.1%)", "Uptime 3 d 4 h", "Goroutines 1,234", "Heap 38 MB", "GOMAXPROCS 4",
				function,
				"charge-card unhealthy 1,204,567 " + pageTimeText + " 3 98,765 2026-03-01 11:59:05 UTC 77 2026-03-01 11:00:05 UTC 88.5% 431 62.5% 8.4 ms",
				"nightly-report degraded", "resize-image healthy",
				"import healthy 0 never 0 0 never 0 never 0% 0 0% 0 s 0 s 0 s",
			},
			hasNot: []string{"registered", "no limit"},
		},
		"no limit, no functions": {
			report: detailed(pageOK(), noLimit), info: pageInfo{AppID: "shop"}, title: "ok: shop health",
			has:    []string{"Memory 2.5 MB, no limit", "Uptime 1.5 ms", "Functions No functions are registered."},
			hasNot: []string{"Memory 2.5 MB of", "(0%)", "p50"},
		},
		"one function": {
			report: detailed(pageOK(), one), info: pageInfo{AppID: "shop"}, title: "ok: shop health",
			has: []string{"Memory 900 MB of 1,000 MB (90%)", "Uptime 0 s", function},
		},
		"nothing at all": {title: ": health", hasNot: []string{"Details"}, has: []string{"Indicators"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			html := page(test.report, test.info)
			d := parse(t, html)
			require.Equal(t, test.title, strings.Join(strings.Fields(d.title), " "))
			rest := d.text
			for _, has := range test.has {
				_, after, found := strings.Cut(rest, has)
				require.True(t, found, "%q in %q", has, rest)
				rest = after
			}
			for _, hasNot := range test.hasNot {
				require.NotContains(t, d.text, hasNot)
			}
			requireHarmless(t, html, d)
		})
	}
}

// requireHarmless checks that a page loads and runs nothing.
func requireHarmless(t *testing.T, html []byte, d document) {
	t.Helper()
	for _, bad := range []string{`(?i)https?:`, `(?i)src=`, `(?i)<script`, `(?i)\sstyle=`, `(?i)\son\w+=`, `(?i)url\(`, `@import`, `(?i)refresh"`} {
		require.NotRegexp(t, bad, string(html))
	}
	for _, one := range []string{"style", "title", "main", "h1", "link"} {
		require.Equal(t, 1, d.elements[one], one)
	}
	require.Equal(t, []string{"data:,"}, d.attributes["link href"])
	style := sha256.Sum256([]byte(d.style))
	require.Contains(t, pageCSP, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(style[:])+"';")
}

// Machines read the times, the bar and the link of the page.
func TestPageAttributes(t *testing.T) {
	t.Parallel()
	r := detailed(pageOK(), pageDetails(5))
	d := parse(t, page(r, pageInfo{AppID: "shop", DetailsURL: `/a/health?x="1"&details=true`, Time: pageTime}))
	times := d.attributes["time datetime"]
	require.Len(t, times, 1+4*2+1+1, "of the sync, the executions and successes, the failure, the page")
	require.Equal(t, pageTimeAttr, times[0])
	require.Equal(t, pageTimeAttr, times[len(times)-1])
	require.Equal(t, []string{"47.07"}, d.attributes["meter value"])
	require.Equal(t, []string{"/a/health?x=%221%22&details=true"}, d.attributes["a href"])
	require.Len(t, d.attributes["th scope"], d.elements["th"])
	require.Equal(t, 1, d.elements["caption"])

	d = parse(t, page(r, pageInfo{DetailsURL: "javascript:alert(1)"}))
	require.NotContains(t, d.attributes["a href"][0], "javascript")
}

// Arbitrary IDs and messages are only text on the page.
func TestPageHostileText(t *testing.T) {
	t.Parallel()
	harmless := func(id string) document {
		r := pageError()
		r.Error[id] = Indicator{Status: Down, Message: id}
		r.Details = pageDetails(2)
		r.Details.Functions[1].ID = id
		return parse(t, page(r, pageInfo{AppID: id}))
	}
	want := harmless("harmless")
	for name, test := range map[string]struct{ id, shown string }{
		"script":     {id: `<script>alert("1")</script>`},
		"attributes": {id: `" onclick='x()' style="color:red`},
		"end":        {id: `</bdi></h3></title></style><!--`},
		"template":   {id: `{{.}} {{template "time"}} &lt;b&gt; &amp;`},
		"CDATA":      {id: `]]><![CDATA[ <?php ?>`},
		"long":       {id: strings.Repeat("functions", 500/9+1)},
		"RTL":        {id: "\u202emoc.live\u202c שלום \u2067x"},
		"controls":   {id: "a\x00b\x1b[31m\x7fc\u0085d\rx", shown: "a\ufffdb\ufffd[31m\ufffdc\ufffdd\ufffdx"},
		"not UTF-8":  {id: "a\xff\xfe\xc0z\uffff", shown: "a\ufffd\ufffd\ufffdz\ufffd"},
		"URL":        {id: "https://example.com/?a=1&b=2#c javascript:x"},
		"lines":      {id: "one\ntwo\tthree", shown: "one two three"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := harmless(test.id)
			shown := test.shown
			if shown == "" {
				shown = test.id
			}
			require.Equal(t, 4, strings.Count(d.text, shown), "app, indicator, message, function: %s", d.text)
			require.Equal(t, "error: "+shown+" health", strings.Join(strings.Fields(d.title), " "))
			require.Equal(t, want.elements, d.elements)
			require.Equal(t, want.attributes, d.attributes)
			require.Equal(t, want.style, d.style)
			require.Equal(t, 11, d.elements["bdi"], "what turns the direction of text does so only up to its end")
		})
	}
}

func TestPageNumbers(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"0": pageCount(0), "999": pageCount(999), "1,000": pageCount(uint64(1000)), "-100": pageCount(-100),
		"-1,000": pageCount(int64(-1000)), "18,446,744,073,709,551,615": pageCount(uint64(math.MaxUint64)),

		"0 MB": pageMega(0), "0.3 MB": pageMega(300 << 10), "9.5 MB": pageMega(19 << 19), "45 MB": pageMega(45<<20 + 1),
		"46 MB": pageMega(45<<20 + 1<<19), "16,384 MB": pageMega(16 << 30),

		"0%": pagePercent(0), "<0.1%": pagePercent(0.04), "0.1%": pagePercent(0.1), "50%": pagePercent(50.02),
		"100%": pagePercent(100), "107.3%": pagePercent(107.25001),

		"0 s": pageSpan(0), "<1 ms": pageSpan(999 * time.Microsecond), "1.2 ms": pageSpan(1234 * time.Microsecond),
		"10 ms": pageSpan(9999 * time.Microsecond), "999 ms": pageSpan(999*time.Millisecond + 400*time.Microsecond),
		"1 s": pageSpan(999*time.Millisecond + 600*time.Microsecond), "1.23 s": pageSpan(1234 * time.Millisecond),
		"10.5 s": pageSpan(10*time.Second + 540*time.Millisecond), "59.9 s": pageSpan(59940 * time.Millisecond),
		"1 min": pageSpan(59960 * time.Millisecond), "1 min 1 s": pageSpan(61 * time.Second),
		"59 min 59 s": pageSpan(time.Hour - time.Second), "1 h": pageSpan(time.Hour - time.Millisecond),
		"1 h 59 min": pageSpan(2*time.Hour - time.Second), "3 d 23 h": pageSpan(95*time.Hour + 59*time.Minute),
		"15.5 s": pageAge(15.5),
	} {
		require.Equal(t, want, got)
	}
}

// Every color of text is legible on every background, in both schemes: 4.5:1 is level
// AA of the Web Content Accessibility Guidelines 2.2, success criterion 1.4.3.
func TestPageContrast(t *testing.T) {
	t.Parallel()
	_, style, _ := strings.Cut(pageSource, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	light, dark, found := strings.Cut(style, "@media (prefers-color-scheme: dark) {")
	require.True(t, found)
	dark, rest, found := strings.Cut(dark, "\n}\n")
	require.True(t, found)
	variable := regexp.MustCompile(`--((fg|bg)-\w+): #(\w{6});`)
	for scheme, css := range map[string]string{"light": light, "dark": dark} {
		colors := map[string]map[string]string{"fg": {}, "bg": {}}
		for _, m := range variable.FindAllStringSubmatch(css, -1) {
			colors[m[2]][m[1]] = m[3]
		}
		require.Len(t, colors["fg"], 6, scheme)
		require.Len(t, colors["bg"], 2, scheme)
		for fg, text := range colors["fg"] {
			for bg, ground := range colors["bg"] {
				require.GreaterOrEqual(t, contrast(t, text, ground), 4.5, "%s: %s on %s", scheme, fg, bg)
			}
		}
	}
	require.InDelta(t, 21, contrast(t, "000000", "ffffff"), 0.001)
	require.InDelta(t, 4.48, contrast(t, "777777", "ffffff"), 0.01, "a pair that is known to fail")

	// The rest of the style has no other colors, which would not be checked.
	require.NotRegexp(t, `#[0-9a-f]{3,8}\b|rgb|hsl|opacity|color-mix`, rest)
	for _, m := range regexp.MustCompile(`(?m)[{;\s](color|background):\s*([^;}]+)`).FindAllStringSubmatch(rest, -1) {
		prefix := map[string]string{"color": "var(--fg-", "background": "var(--"}[m[1]]
		require.True(t, strings.HasPrefix(m[2], prefix), m[0])
	}
}

// contrast returns the contrast ratio of WCAG 2.2.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	luminance := func(color string) (sum float64) {
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(color[2*i:2*i+2], 16, 8)
			require.NoError(t, err)
			c := float64(n) / 255
			if c <= 0.04045 {
				c /= 12.92
			} else {
				c = math.Pow((c+0.055)/1.055, 2.4)
			}
			sum += weight * c
		}
		return sum
	}
	high, low := luminance(a), luminance(b)
	return (max(high, low) + 0.05) / (min(high, low) + 0.05)
}

func BenchmarkPage(b *testing.B) {
	for _, functions := range []int{5, 500} {
		b.Run(fmt.Sprintf("functions=%d", functions), func(b *testing.B) {
			r := detailed(pageOK(), pageDetails(functions))
			b.ReportAllocs()
			for b.Loop() {
				page(r, pageInfo{AppID: "shop", Time: pageTime})
			}
		})
	}
}
