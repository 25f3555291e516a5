package lab

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	connectproto "github.com/inngest/inngest/proto/gen/connect/v1"
)

// A Gateway is a TCP proxy in front of the server's gateway for connect mode.
type Gateway struct {
	listener net.Listener
	running  sync.WaitGroup

	mu       sync.Mutex
	upstream string
	refusing bool
	pairs    map[*pair]struct{}
}

// A pair is a connection of an app, and the one to the gateway that belongs to it.
type pair struct {
	app, gateway net.Conn
	silent       bool
}

// newGateway starts a proxy, and makes the server's API name it instead of the gateway.
func newGateway(t *testing.T, api *Proxy) *Gateway {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := &Gateway{listener: listener, pairs: map[*pair]struct{}{}}
	g.running.Go(g.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		g.Cut()
		g.running.Wait()
	})
	api.Inject(func(e *Exchange) Fault {
		if e.Request.URL.Path != "/v0/connect/start" {
			return Fault{}
		}
		return Fault{RewriteResponse: g.name}
	})
	return g
}

// Cut resets all connections.
func (g *Gateway) Cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for p := range g.pairs {
		reset(p.app)
		reset(p.gateway)
	}
}

// Silence makes the network lose what is sent on the connections that exist.
func (g *Gateway) Silence() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for p := range g.pairs {
		p.silent = true
	}
}

// Refuse says whether new connections are reset.
func (g *Gateway) Refuse(refuse bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refusing = refuse
}

// name puts the address of the proxy in the place of the gateway's.
func (g *Gateway) name(e *Exchange) {
	var start connectproto.StartResponse
	if e.Status != http.StatusOK || proto.Unmarshal(e.ResponseBody, &start) != nil {
		return
	}
	address, err := url.Parse(start.GetGatewayEndpoint())
	if err != nil {
		return
	}
	g.mu.Lock()
	g.upstream = address.Host
	g.mu.Unlock()
	address.Host = g.listener.Addr().String()
	start.GatewayEndpoint = address.String()
	if body, err := proto.Marshal(&start); err == nil {
		e.ResponseBody = body
	}
}

func (g *Gateway) accept() {
	for {
		conn, err := g.listener.Accept()
		if err != nil {
			return
		}
		g.running.Go(func() { g.serve(conn) })
	}
}

func (g *Gateway) serve(conn net.Conn) {
	g.mu.Lock()
	upstream, refusing := g.upstream, g.refusing
	g.mu.Unlock()
	if refusing {
		reset(conn)
		return
	}
	up, err := new(net.Dialer).DialContext(context.Background(), "tcp", upstream)
	if err != nil {
		reset(conn)
		return
	}
	p := &pair{app: conn, gateway: up}
	g.mu.Lock()
	g.pairs[p] = struct{}{}
	g.mu.Unlock()
	var passing sync.WaitGroup
	passing.Go(func() { g.pass(p, up, conn) })
	g.pass(p, conn, up)
	passing.Wait()
	g.mu.Lock()
	delete(g.pairs, p)
	g.mu.Unlock()
}

// pass passes on what arrives at from, and closes both when one is closed.
func (g *Gateway) pass(p *pair, to, from net.Conn) {
	defer func() {
		_ = from.Close()
		_ = to.Close()
	}()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		g.mu.Lock()
		silent := p.silent
		g.mu.Unlock()
		if silent {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}
