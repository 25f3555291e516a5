//go:build browser

package inngesthealth

// These tests view the page in a real browser, headless Chromium. On Debian, run apt-get
// install chromium. Then, from the root of the repository:
//
//	SCREENSHOTS=/tmp/screenshots go test -tags browser -run Browser ./contrib/health
//
// CHROMIUM names the binary; the default is "chromium" in PATH. Screenshots go to the
// directory SCREENSHOTS, which is created, or else to the directory of artifacts (go
// test -artifacts -outputdir=…). Look at them after each change of the page.
//
// The tests control the browser with the Chrome DevTools Protocol over a pipe. The
// command line cannot make a window as narrow as a phone (the minimum is 500 px), and
// has no documented way to set prefers-color-scheme.

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// browserLife limits how long a browser runs for a test, on a busy machine.
const browserLife = 5 * time.Minute

// A browser is a Chromium process with one tab.
type browser struct {
	t       *testing.T
	in      *os.File
	out     *bufio.Reader
	session string
	id      int
	// log holds console output: errors, warnings and violations of the policy.
	log []string
}

// A message of the DevTools protocol is a command, its response, or an event.
type message struct {
	ID        int             `json:"id,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     json.RawMessage `json:"error,omitempty"`
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	command, err := exec.LookPath(cmp.Or(os.Getenv("CHROMIUM"), "chromium"))
	require.NoError(t, err, "install Chromium, or name the binary in CHROMIUM")
	profile := filepath.Join(t.TempDir(), "profile")
	args := []string{
		"--headless", "--remote-debugging-pipe", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
		"--disable-background-networking", "--disable-dev-shm-usage", "--user-data-dir=" + profile,
	}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // Chromium refuses to run as root with a sandbox
	}
	readIn, in, err := os.Pipe()
	require.NoError(t, err)
	out, writeOut, err := os.Pipe()
	require.NoError(t, err)
	// Not t.Context(): it would kill the browser, but not the processes it has started.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), browserLife)
	cmd := exec.CommandContext(ctx, command, args...)
	cmd.ExtraFiles = []*os.File{readIn, writeOut} // 3 and 4
	require.NoError(t, cmd.Start())
	require.NoError(t, readIn.Close())
	require.NoError(t, writeOut.Close())
	b := &browser{t: t, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		in.Close() // ends the browser
		for {      // drain its output
			if _, err := b.out.ReadByte(); err != nil {
				break
			}
		}
		out.Close()
		cmd.Wait()
		cancel()
		require.Eventually(t, func() bool { return os.RemoveAll(profile) == nil }, time.Minute, 10*time.Millisecond,
			"what the browser has started goes on writing")
	})
	require.NoError(t, out.SetReadDeadline(time.Now().Add(browserLife)))

	var target struct{ TargetID, SessionID string }
	b.do("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	b.do("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &target)
	b.session = target.SessionID
	for _, domain := range []string{"Page", "Log", "Runtime", "Audits"} {
		b.do(domain+".enable", nil, nil)
	}
	return b
}

// do sends a command and returns the response.
func (b *browser) do(method string, params, result any) {
	b.t.Helper()
	b.id++
	raw, err := json.Marshal(params)
	require.NoError(b.t, err)
	if params == nil {
		raw = nil
	}
	command, err := json.Marshal(message{ID: b.id, SessionID: b.session, Method: method, Params: raw})
	require.NoError(b.t, err)
	_, err = b.in.Write(append(command, 0))
	require.NoError(b.t, err)
	answer := b.until(func(m message) bool { return m.ID == b.id })
	require.Empty(b.t, string(answer.Error), method)
	if result != nil {
		require.NoError(b.t, json.Unmarshal(answer.Result, result))
	}
}

// until reads up to a message, and collects the browser's complaints before it.
func (b *browser) until(is func(message) bool) message {
	b.t.Helper()
	for {
		data, err := b.out.ReadBytes(0)
		require.NoError(b.t, err, "has the browser ended?")
		var m message
		require.NoError(b.t, json.Unmarshal(bytes.TrimSuffix(data, []byte{0}), &m))
		switch m.Method {
		case "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Audits.issueAdded":
			b.log = append(b.log, m.Method+" "+string(m.Params))
		}
		if is(m) {
			return m
		}
	}
}

// open shows a URL on a screen of this size with this color scheme.
func (b *browser) open(url, scheme string, width, height int) {
	b.t.Helper()
	b.log = nil
	b.do("Emulation.setDeviceMetricsOverride", map[string]any{
		"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500,
	}, nil)
	b.do("Emulation.setEmulatedMedia", map[string]any{
		"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}},
	}, nil)
	var navigated struct{ ErrorText string }
	b.do("Page.navigate", map[string]any{"url": url}, &navigated)
	require.Empty(b.t, navigated.ErrorText)
	require.Equal(b.t, true, b.eval(`new Promise(done => {
		if (document.readyState === "complete") done(true); else addEventListener("load", () => done(true));
	})`))
}

// eval returns the value of an expression on the page. The policy does not apply to the
// debugger.
func (b *browser) eval(expression string) any {
	b.t.Helper()
	var v struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	b.do("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &v)
	require.Empty(b.t, string(v.ExceptionDetails))
	return v.Result.Value
}

// screenshot captures the screen, or the whole page if it is longer.
func (b *browser) screenshot(whole bool) []byte {
	b.t.Helper()
	var shot struct{ Data string }
	b.do("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": whole}, &shot)
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	require.NoError(b.t, err)
	return data
}

// A pageServer serves pages by path, and records requests for anything else.
type pageServer struct {
	*httptest.Server

	mu      sync.Mutex
	strange []string
}

func servePages(t *testing.T, pages map[string][]byte, csp string) *pageServer {
	t.Helper()
	s := &pageServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		html, ok := pages[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.strange = append(s.strange, r.URL.String())
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", csp)
		w.Write(html)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *pageServer) requireNoOther(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Empty(t, s.strange, "the browser requested more than the page")
}

func browserPages() map[string][]byte {
	shop := pageInfo{AppID: "shop", Time: pageTime}
	hostile := detailed(pageError(), pageDetails(3))
	long := strings.Repeat("functions", 56)
	hostile.Error[long] = Indicator{Status: Down, Message: `<script src="/x.js"></script><img src="/x.png" onerror="x()" style="color:red"/>` + long}
	hostile.Error["\u202emoc.live שלום"] = Indicator{Status: Down, Message: "\u202ereversed\nsecond line"}
	hostile.Details.Functions[0].ID = long
	hostile.Details.Functions[1].ID = "\u202emoc.live שלום"
	link := shop
	link.DetailsURL = "?details=true"
	return map[string][]byte{
		"ok":            page(pageOK(), link),
		"details":       page(detailed(pageOK(), pageDetails(5)), shop),
		"error":         page(pageError(), link),
		"error-details": page(detailed(pageError(), pageDetails(5)), shop),
		"shutting-down": page(pageShuttingDown(), link),
		"no-functions":  page(detailed(pageOK(), pageDetails(0)), shop),
		"hostile":       page(hostile, pageInfo{AppID: long, Time: pageTime}),
	}
}

func TestBrowser(t *testing.T) {
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		dir = t.ArtifactDir()
	}
	require.NoError(t, os.MkdirAll(dir, 0o750))
	pages := browserPages()
	server := servePages(t, pages, pageCSP)
	b := startBrowser(t)
	for _, size := range []struct {
		name          string
		width, height int
	}{{"desktop", 1200, 900}, {"phone", 390, 844}, {"small-phone", 360, 640}} {
		for name := range pages {
			shots := map[string][]byte{}
			for scheme, ground := range map[string]color.Color{
				"light": color.NRGBA{0xf4, 0xf5, 0xf7, 0xff}, "dark": color.NRGBA{0x12, 0x14, 0x17, 0xff},
			} {
				b.open(server.URL+"/"+name, scheme, size.width, size.height)
				require.EqualValues(t, size.width, b.eval("innerWidth"))
				require.Equal(t, "CSS1Compat", b.eval("document.compatMode"))
				require.LessOrEqual(t, b.eval("document.documentElement.scrollWidth"), float64(size.width), "%s scrolls sideways", name)

				shot := b.screenshot(size.name != "small-phone")
				require.NoError(t, os.WriteFile(filepath.Join(dir, name+"-"+size.name+"-"+scheme+".png"), shot, 0o600))
				image, err := png.Decode(bytes.NewReader(shot))
				require.NoError(t, err)
				corner := color.NRGBAModel.Convert(image.At(2, 2))
				require.Equal(t, ground, corner, "%s in %s", name, scheme)
				shots[scheme] = shot

				require.Empty(t, b.log)
			}
			require.NotEqual(t, shots["light"], shots["dark"])
		}
	}
	server.requireNoOther(t)
}

// A table that is too wide for a phone scrolls in its own box, also with the keyboard.
func TestBrowserTableScrolls(t *testing.T) {
	server := servePages(t, browserPages(), pageCSP)
	b := startBrowser(t)
	b.open(server.URL+"/details", "light", 360, 640)
	require.Equal(t, true, b.eval(`(() => {
		const box = document.querySelector(".scroll");
		box.focus();
		box.scrollLeft = 9999;
		return document.activeElement === box && box.scrollLeft > 100 && box.clientWidth < 360;
	})()`))
}

// The other tests would notice a policy that forbids something on the page.
func TestBrowserSeesViolations(t *testing.T) {
	b := startBrowser(t)
	for name, csp := range map[string]string{
		"style": strings.Replace(pageCSP, styleHash, hashOfStyle(""), 1),
		"icon":  strings.Replace(pageCSP, " img-src data:;", "", 1),
	} {
		server := servePages(t, browserPages(), csp)
		b.open(server.URL+"/ok", "light", 1200, 900)
		b.screenshot(false)
		require.NotEmpty(t, b.log, name)
		require.Contains(t, strings.Join(b.log, "\n"), "Content Security Policy")
	}
}
