package sdkconnect_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/inngest/inngest/pkg/connect/types"
	"github.com/inngest/inngest/pkg/connect/wsproto"
	connectproto "github.com/inngest/inngest/proto/gen/connect/v1"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// gateway is the server's side of one connection, enough of it for the SDK's code.
type gateway struct {
	*httptest.Server

	hello   chan *connectproto.WorkerConnectRequestData
	replies chan *connectproto.SDKResponse // each is acknowledged
	ws      *websocket.Conn                // once there is something in hello
	starts  sync.Mutex                     // while it is locked, no further connection begins
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{
		hello:   make(chan *connectproto.WorkerConnectRequestData, 1),
		replies: make(chan *connectproto.SDKResponse, 1),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v0/connect/start", func(w http.ResponseWriter, r *http.Request) {
		g.starts.Lock()
		defer g.starts.Unlock()
		_, _ = w.Write(encoded(&connectproto.StartResponse{
			ConnectionId:    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
			GatewayEndpoint: "ws://" + r.Host + "/gateway",
			GatewayGroup:    "group",
		}))
	})
	mux.HandleFunc("GET /gateway", func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{types.GatewaySubProtocol}})
		if err == nil {
			defer ws.CloseNow()
			g.serve(context.WithoutCancel(r.Context()), ws)
		}
	})
	g.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		g.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections() // the SDK's requests go through it
	})
	return g
}

// serve performs the handshake, and then reads until the connection is closed.
func (g *gateway) serve(ctx context.Context, ws *websocket.Conn) {
	send(ctx, ws, connectproto.GatewayMessageType_GATEWAY_HELLO, nil)
	for {
		var msg connectproto.ConnectMessage
		if wsproto.Read(ctx, ws, &msg) != nil {
			return
		}
		switch msg.GetKind() { //nolint:exhaustive // of the others, none needs a response
		case connectproto.GatewayMessageType_WORKER_CONNECT:
			var hello connectproto.WorkerConnectRequestData
			_ = proto.Unmarshal(msg.GetPayload(), &hello)
			send(ctx, ws, connectproto.GatewayMessageType_GATEWAY_CONNECTION_READY, &connectproto.GatewayConnectionReadyData{
				HeartbeatInterval: "1h", ExtendLeaseInterval: "1h",
			})
			g.ws = ws
			g.hello <- &hello
		case connectproto.GatewayMessageType_WORKER_REPLY:
			var reply connectproto.SDKResponse
			_ = proto.Unmarshal(msg.GetPayload(), &reply)
			send(ctx, ws, connectproto.GatewayMessageType_WORKER_REPLY_ACK, &connectproto.WorkerReplyAckData{RequestId: reply.GetRequestId()})
			g.replies <- &reply
		}
	}
}

// call sends a call and returns the reply to it.
func (g *gateway) call(t *testing.T, request *connectproto.GatewayExecutorRequestData) *connectproto.SDKResponse {
	t.Helper()
	send(t.Context(), g.ws, connectproto.GatewayMessageType_GATEWAY_EXECUTOR_REQUEST, request)
	return receive(t, g.replies)
}

func send(ctx context.Context, ws *websocket.Conn, kind connectproto.GatewayMessageType, payload proto.Message) {
	_ = wsproto.Write(ctx, ws, &connectproto.ConnectMessage{Kind: kind, Payload: encoded(payload)})
}

func encoded(message proto.Message) []byte {
	if message == nil {
		return nil
	}
	raw, err := proto.Marshal(message)
	if err != nil {
		panic(err)
	}
	return raw
}

// receive waits for a value until the test times out.
func receive[T any](t *testing.T, from <-chan T) (value T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	select {
	case value = <-from:
	case <-ctx.Done():
		require.Fail(t, "nothing arrived in "+timeout.String(), strings.TrimSpace(hint))
	}
	return value
}
