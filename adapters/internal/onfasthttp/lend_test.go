package onfasthttp_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"github.com/inngestkit/inngestkit/adapters/internal/onfasthttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// keepingTransport stands in for an http.Transport, which uses contexts of requests even
// after the response, and for the API.
type keepingTransport struct {
	first       context.Context
	own, firsts []any // the value of each request, and that of the first at that time
}

type keptKey struct{}

func (k *keepingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if k.first == nil {
		k.first = req.Context()
	}
	k.own = append(k.own, req.Context().Value(keptKey{}))
	k.firsts = append(k.firsts, k.first.Value(keptKey{}))
	body := io.NopCloser(strings.NewReader(`{"ids":["e1"],"status":200}`))
	return &http.Response{StatusCode: http.StatusOK, Body: body, Header: http.Header{"Content-Type": {"application/json"}}, Request: req}, nil
}

// What an HTTP client keeps of a send has the values of its request during the send, and
// none of later requests.
func TestLend(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		parent func(r *fasthttp.RequestCtx) context.Context
		later  any // what the first request's context has during later ones
	}{
		"a context of the request": {func(r *fasthttp.RequestCtx) context.Context { return r }, nil},
		"a context that derives from it": {func(r *fasthttp.RequestCtx) context.Context {
			type key struct{}
			return context.WithValue(r, key{}, "value")
		}, nil},
		"a context of its own": {func(r *fasthttp.RequestCtx) context.Context {
			return context.WithValue(context.Background(), keptKey{}, r.UserValue(keptKey{}))
		}, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := &keepingTransport{}
			app := newApp(t, inngestkit.Config{BaseURL: "http://127.0.0.1:1", HTTPClient: &http.Client{Transport: transport}}, nil)
			s := &server{routes: map[string]fasthttp.RequestHandler{}}
			s.routes["/send"] = func(r *fasthttp.RequestCtx) {
				r.SetUserValue(keptKey{}, string(r.QueryArgs().Peek("n")))
				ctx, end := onfasthttp.Lend(inngestkit.NewContext(tc.parent(r), app), r)
				defer end()
				if _, err := inngestkit.Send(ctx, inngestkit.DefineEvent[any]("user/signed-up").New(nil)); err != nil {
					r.Error(err.Error(), http.StatusInternalServerError)
				}
			}
			addr, shutdown := serve(t, s, app)
			// On one connection, fasthttp uses one RequestCtx.
			client := &http.Client{Transport: new(http.Transport)}
			for _, n := range []string{"1", "2", "3"} {
				resp, err := client.Post("http://"+addr+"/send?n="+n, "", nil)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.Equal(t, http.StatusOK, resp.StatusCode)
			}
			client.CloseIdleConnections()
			shutdown()
			require.Equal(t, []any{"1", "2", "3"}, transport.own)
			require.Equal(t, []any{"1", tc.later, tc.later}, transport.firsts)
		})
	}
}

// A context that is lent ends when the user's context does.
func TestLentContextsEnd(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, nil)
	var r fasthttp.RequestCtx
	ctx, cancel := context.WithTimeout(inngestkit.NewContext(valuesOnly{t.Context(), &r}, app), 0)
	defer cancel()
	lent, end := onfasthttp.Lend(ctx, &r)
	defer end()
	require.NotEqual(t, ctx, lent)
	<-lent.Done()
	require.ErrorIs(t, lent.Err(), context.DeadlineExceeded)
	_, limited := lent.Deadline()
	require.True(t, limited)
}

// valuesOnly has the values of a request that no server serves.
type valuesOnly struct {
	context.Context

	r *fasthttp.RequestCtx
}

func (c valuesOnly) Value(key any) any { return c.r.Value(key) }
