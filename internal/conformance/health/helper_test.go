package health

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

func TestMain(m *testing.M) {
	testsite.VerifyTestMain(m)
}

// The endpoints, relative to where the app is mounted.
const (
	report   = inngesthealth.DefaultPath
	liveness = report + "/" + inngesthealth.DefaultLiveness
	ready    = report + "/" + inngesthealth.DefaultReadiness
	detailed = report + "?details=true"
)

type order struct {
	ID string `json:"id"`
}

type input = inngestkit.Input[order]

var placed = inngestkit.DefineEvent[order]("order.placed")

var errBankClosed = errors.New("the bank is closed")

// onPlaced defines a function on placed orders.
func onPlaced(id string, handler func(ctx context.Context, in input) (any, error), options ...inngestkit.Option) inngestkit.Function {
	return inngestkit.OnEvent(id, placed, handler, options...)
}

// idle defines a function that is never triggered.
func idle(id string) inngestkit.Function {
	return inngestkit.OnEvent(id, inngestkit.DefineEvent[order]("never/"+id), done)
}

func done(context.Context, input) (any, error) { return "done", nil }

// A site is a program that serves an app with health checks.
type site struct {
	app    *inngestkit.App
	health *inngesthealth.Health
	// root is the URL at which the app is mounted.
	root   string
	client *http.Client
}

// A setup configures a site.
type setup struct {
	with      framework // net/http by default
	config    inngestkit.Config
	options   []inngesthealth.Option
	functions []inngestkit.Function
}

// serve serves an app, until the end of the test.
func (s setup) serve(t *testing.T) *site {
	t.Helper()
	with := s.with
	if with.serve == nil {
		with = onNetHTTP
	}
	listener := testsite.Listen(t, "")
	if s.config.AppID == "" {
		s.config.AppID = "shop"
	}
	if s.config.SigningKey == "" {
		s.config.Dev = true
	}
	if s.config.Logger == nil {
		s.config.Logger = testsite.Logger(t)
	}
	s.config.ServeHost = listener.Addr().String()
	app, err := inngestkit.New(s.config)
	require.NoError(t, err)
	if len(s.functions) == 0 {
		s.functions = []inngestkit.Function{onPlaced("process-order", done)}
	}
	require.NoError(t, app.Register(s.functions...))
	health, err := inngesthealth.Install(app, s.options...)
	require.NoError(t, err)
	testsite.ServeApp(t, app, with.serve(app, health), listener)
	return &site{app, health, "http://" + listener.Addr().String() + with.prefix, testsite.NewClient(t)}
}

// sync has a dev server sync the app.
func (s *site) sync(t *testing.T) {
	t.Helper()
	require.NoError(t, s.app.Start(t.Context()))
	require.NoError(t, s.app.AwaitSync(testsite.Within(t)))
}

// A response is what an endpoint sends.
type response struct {
	status int
	header http.Header
	body   string
}

// do sends a request, with headers as names and values.
func (s *site) do(t *testing.T, method, path string, header ...string) response {
	t.Helper()
	req, err := http.NewRequestWithContext(testsite.Within(t), method, s.root+path, http.NoBody)
	require.NoError(t, err)
	for pair := range slices.Chunk(header, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	resp, err := s.client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return response{resp.StatusCode, resp.Header, string(body)}
}

func (s *site) get(t *testing.T, path string, header ...string) response {
	t.Helper()
	return s.do(t, http.MethodGet, path, header...)
}

// report decodes the report in a response.
func (a response) report(t *testing.T) inngesthealth.Report {
	t.Helper()
	require.Equal(t, "application/json", a.header.Get("Content-Type"), a.body)
	var r inngesthealth.Report
	require.NoError(t, json.Unmarshal([]byte(a.body), &r), a.body)
	return r
}

// down returns the names of the indicators that are down.
func down(r inngesthealth.Report) string {
	return strings.Join(slices.Sorted(maps.Keys(r.Error)), " ")
}

// dev returns the configuration of an app for a dev server.
func dev(appID string, server *devserver.Server) inngestkit.Config {
	return inngestkit.Config{AppID: appID, Dev: true, BaseURL: server.URL()}
}

// checkEvery is the interval of checks here.
const checkEvery = 20 * time.Millisecond

// failing is a check that fails on demand.
type failing struct{ fails atomic.Bool }

func (f *failing) fail(fails bool) { f.fails.Store(fails) }

func (f *failing) check(context.Context) error {
	if f.fails.Load() {
		return errBankClosed
	}
	return nil
}
