package inflight

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/inngest/inngestgo"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// side is what serves a call.
type side int

const (
	onSDK   side = iota // the bare SDK
	adopted             // an app of the SDK's functions, made with FromClient
	native              // an app of native functions
	sides   = iota
)

// A site serves one function on all sides at one URL, with the same IDs, and decides for
// each call which side gets it.
type site struct {
	server  *devserver.Server
	web     string          // the URL of a server that responds to every request with an object
	app     *inngestkit.App // of the native functions
	row     *row
	pick    func(call int) side // calls of the row's function count from 1
	counter testsite.Counter

	handlers  [sides]http.Handler
	announced [sides]sync.Once

	mu     sync.Mutex
	calls  int
	served map[side]int
}

func newSite(t *testing.T, server *devserver.Server, appID string, r *row, pick func(call int) side) *site {
	t.Helper()
	listener := testsite.Listen(t, "")
	s := &site{server: server, row: r, pick: pick, served: map[side]int{}}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.counter.Add("web")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"id":"w1","total":9}`))
	}))
	t.Cleanup(web.Close)
	s.web = web.URL
	s.serve(t, appID, listener.Addr().String())
	serve := testsite.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		by := s.next(r)
		s.announce(t, listener.Addr().String(), by) // like a deployment, before the first call
		s.handlers[by].ServeHTTP(w, r)
	}))
	testsite.ServeApp(t, s.app, serve, listener)
	s.announce(t, listener.Addr().String(), pick(1))
	return s
}

// serve makes the handlers of all sides.
func (s *site) serve(t *testing.T, appID, address string) {
	t.Helper()
	var err error
	s.app, err = inngestkit.New(inngestkit.Config{
		AppID: appID, Dev: true, BaseURL: s.server.URL(), ServeHost: address, Logger: testsite.Logger(t),
	})
	require.NoError(t, err)
	for _, r := range []*row{s.row, &callee} {
		require.NoError(t, s.app.Register(inngestkit.OnEvent(r.name, s.define(r.name),
			func(ctx context.Context, in input) (any, error) { return r.native(ctx, s, in) }, r.options()...)))
	}
	s.handlers[native] = mounted(s.app)
	s.handlers[onSDK] = s.client(t).Serve()
	fromClient, err := inngestkit.FromClient(s.client(t), func(c *inngestkit.Config) { c.ServeHost = address })
	require.NoError(t, err)
	s.handlers[adopted] = mounted(fromClient)
	t.Cleanup(func() { testsite.Stop(t, fromClient.Shutdown) })
}

func mounted(app *inngestkit.App) http.Handler {
	mux := http.NewServeMux()
	inngesthttp.Mount(mux, app)
	return mux
}

// client returns a client of the SDK with the functions.
func (s *site) client(t *testing.T) inngestgo.Client {
	t.Helper()
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{
		AppID: s.app.ID(), Dev: new(true), Logger: testsite.Logger(t), RegisterURL: new(s.server.URL() + "/fn/register"),
		APIBaseURL: new(s.server.URL()), EventAPIBaseURL: new(s.server.URL()),
	})
	require.NoError(t, err)
	for _, r := range []*row{s.row, &callee} {
		_, err := inngestgo.CreateFunction(client, r.sdkOptions(), inngestgo.EventTrigger(s.event(r.name), nil),
			func(ctx context.Context, in input) (any, error) { return r.sdk(ctx, s, in) })
		require.NoError(t, err)
	}
	return client
}

// announce has a side announce its functions to the server, once.
func (s *site) announce(t *testing.T, address string, by side) {
	s.announced[by].Do(func() {
		answer := httptest.NewRecorder()
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+address+s.app.Path(), http.NoBody)
		s.handlers[by].ServeHTTP(answer, request)
		assert.Equal(t, http.StatusOK, answer.Code, "%s", answer.Body)
	})
}

// next counts a call of the row's function and returns the side that serves the request.
func (s *site) next(r *http.Request) side {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := r.URL.Query().Get("fnId") == s.app.ID()+"-"+s.row.name
	if own {
		s.calls++
	}
	by := s.pick(max(s.calls, 1))
	if own {
		s.served[by]++
	}
	return by
}

// event returns the name of an event, which no other site uses.
func (s *site) event(name string) string { return s.app.ID() + "/" + name }

func (s *site) define(name string) inngestkit.EventType[order] {
	return inngestkit.DefineEvent[order](s.event(name))
}

// sdk runs a step of the SDK that counts its runs and returns its own ID.
func (s *site) sdk(ctx context.Context, id string) (string, error) {
	return sdkstep.Run(ctx, id, func(context.Context) (string, error) {
		s.counter.Add(id)
		return id, nil
	})
}

// native is sdk for a step of inngestkit.
func (s *site) native(ctx context.Context, id string) (string, error) {
	return s.counter.Counted(ctx, id)
}

func (s *site) charge(in input) func(context.Context) (order, error) {
	return func(context.Context) (order, error) {
		s.counter.Add("charge")
		return order{ID: in.Event.Data.ID, Total: in.Event.Data.Total + 1}, nil
	}
}

func (s *site) nothing(id string) func(context.Context) (any, error) {
	return func(context.Context) (any, error) {
		s.counter.Add(id)
		return nil, nil
	}
}

func (s *site) counted(id string) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { return s.counter.Add(id), nil }
}

func (s *site) item(n int) func(context.Context) (int, error) {
	return func(context.Context) (int, error) {
		s.counter.Add("item " + string(rune('0'+n)))
		return 10 * n, nil
	}
}

func (s *site) flaky(id string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		if s.counter.Add(id) < 3 {
			return "", errNotYet
		}
		return id, nil
	}
}
