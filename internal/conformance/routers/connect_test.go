package routers

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// createUser is the path of a procedure that sends an event and returns its ID.
const createUser = "/shop.v1.UserService/CreateUser"

type text = wrapperspb.StringValue

func newCreateUser(options ...connect.HandlerOption) *connect.Handler {
	return connect.NewUnaryHandler(createUser, func(ctx context.Context, req *connect.Request[text]) (*connect.Response[text], error) {
		ids, err := inngestkit.Send(ctx, signedUp.New(user{ID: req.Msg.GetValue()}))
		if err != nil {
			return nil, connectError(err)
		}
		return connect.NewResponse(wrapperspb.String(ids[0])), nil
	}, options...)
}

// connectError is what clients see of an error of a send.
func connectError(err error) error {
	code := connect.CodeInternal
	switch inngestkit.SendStatus(err) {
	case http.StatusGatewayTimeout:
		code = connect.CodeDeadlineExceeded
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		code = connect.CodeUnavailable
	}
	return connect.NewError(code, errors.New("the event was not sent"))
}

// A procedure has no *http.Request. The app is in its context, and an error of a send gets
// the code of its status.
func TestConnectSends(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
		with   func(app *inngestkit.App) func(http.Handler) http.Handler
		code   connect.Code
	}{
		"sent":               {http.StatusOK, `{"ids":["e1"]}`, inngesthttp.Middleware, 0},
		"refused":            {http.StatusBadRequest, `{"error":"a secret"}`, inngesthttp.Middleware, connect.CodeInternal},
		"failed":             {http.StatusInternalServerError, "a secret", inngesthttp.Middleware, connect.CodeUnavailable},
		"too many":           {http.StatusTooManyRequests, "a secret", inngesthttp.Middleware, connect.CodeUnavailable},
		"without Middleware": {http.StatusOK, "", bare, connect.CodeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, sent := sending(t, tc.status, tc.body)
			mux := http.NewServeMux()
			mux.Handle(createUser, newCreateUser())
			server := httptest.NewServer(tc.with(app)(mux))
			defer server.Close()
			client := connect.NewClient[text, text](server.Client(), server.URL+createUser)
			resp, err := client.CallUnary(t.Context(), connect.NewRequest(wrapperspb.String("u1")))
			if tc.code == 0 {
				require.NoError(t, err)
				require.Equal(t, "e1", resp.Msg.GetValue())
				require.Contains(t, <-sent, `"id":"u1"`)
				return
			}
			require.Equal(t, tc.code, connect.CodeOf(err), err)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func bare(*inngestkit.App) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return next }
}

// Interceptors do not apply to the endpoint. It also responds over HTTP/2 without TLS, which
// gRPC clients need.
func TestConnectLeavesTheEndpointAlone(t *testing.T) {
	t.Parallel()
	s := run(t, inngestkit.Config{}, func(app *inngestkit.App) http.Handler {
		mux := http.NewServeMux()
		inngesthttp.Mount(mux, app)
		mux.Handle(createUser, newCreateUser(rejectsAll))
		return mux
	})
	s.callSucceeds(t)
	require.NoError(t, s.app.CheckEndpoint(t.Context()))
	client := connect.NewClient[text, text](http.DefaultClient, s.url+createUser)
	_, err := client.CallUnary(t.Context(), connect.NewRequest(wrapperspb.String("u1")))
	require.Equal(t, connect.CodeUnauthenticated, connect.CodeOf(err))

	over2 := &http.Transport{Protocols: new(http.Protocols)}
	over2.Protocols.SetUnencryptedHTTP2(true)
	defer over2.CloseIdleConnections()
	resp, err := over2.RoundTrip(s.signed(t, endpoint))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, 2, resp.ProtoMajor)
}
