package lab

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A Proxy is a TCP proxy that stands between the Inngest server and the processes of an app,
// or between an app and the server's API. It understands enough HTTP to know which results
// have reached the server, and it passes on the bytes as they are.
type Proxy struct {
	ledger   *Ledger
	listener net.Listener
	// results reads the results of steps that an exchange carries to the server: in the
	// response to its call, or in a request to its API.
	results func(*Exchange) []result
	toAPI   bool

	mu        sync.Mutex
	upstreams []string
	next      int
	fault     func(*Exchange) Fault
	observe   func(time.Duration)
	exchanges int
	conns     map[net.Conn]struct{}
	running   sync.WaitGroup
	repeats   sync.WaitGroup
	closed    chan struct{}
}

// An Exchange is one request and its response.
type Exchange struct {
	// N counts the exchanges of the proxy, from 1.
	N int
	// Upstream is the address that the request goes to.
	Upstream string
	// Request is the request without its body.
	Request *http.Request
	// RequestBody is its body, Run the ID of its run if it is a call.
	RequestBody []byte
	Run         string
	// Status and ResponseBody are those of the response. They are empty until the app has
	// responded.
	Status       int
	ResponseBody []byte
}

// A Fault says what happens to an exchange. The zero value means nothing.
type Fault struct {
	// Refuse resets the server's connection without reaching the app.
	Refuse bool
	// DelayRequest and DelayResponse wait before passing on.
	DelayRequest, DelayResponse time.Duration
	// Rewrite changes the header and the body of the request before it is passed on.
	Rewrite func(*Exchange)
	// CutRequest passes on only so many bytes of the request, if it is not 0, and resets
	// the connection to the app. A negative number counts from the end of the request.
	CutRequest int
	// HalfClose closes the connection to the app for writing, after the request.
	HalfClose bool
	// RewriteResponse changes the body of the response before it is passed on.
	RewriteResponse func(*Exchange)
	// CutResponse passes on only so many bytes of the response, if it is not 0, and then
	// closes the connection. A negative number counts from the end of the response.
	CutResponse int
	// Reset resets the connection instead of passing on the response, or after the bytes
	// that CutResponse passes on.
	Reset bool
	// DuplicateResponse passes on the response twice.
	DuplicateResponse bool
	// Duplicates is how often the request reaches the app again, at the same time. The
	// responses are dropped.
	Duplicates int
	// ReplayAfter sends the request to the app once more, so much later. The response is
	// dropped.
	ReplayAfter time.Duration
	// AfterRequest is called when the app has the request, and AfterResponse when the
	// server has the response, or as much of it as CutResponse passes on.
	AfterRequest, AfterResponse func()
}

// NewProxy starts a proxy on a free port.
func newProxy(t *testing.T, ledger *Ledger, toAPI bool) *Proxy {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &Proxy{
		ledger: ledger, listener: listener, results: ofCall, toAPI: toAPI, conns: map[net.Conn]struct{}{},
		fault: func(*Exchange) Fault { return Fault{} }, closed: make(chan struct{}),
	}
	if toAPI {
		p.results = ofCheckpoint
	}
	p.running.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Addr returns the address of the proxy.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Forward passes further connections on to the addresses, in turn. Without addresses it
// resets them.
func (p *Proxy) Forward(upstreams ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upstreams = upstreams
}

// Inject asks fault about each exchange from now on, before it begins.
func (p *Proxy) Inject(fault func(*Exchange) Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
}

// Exchanges returns how many exchanges there were.
func (p *Proxy) Exchanges() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exchanges
}

// Observe makes the proxy report how long the upstream takes to respond.
func (p *Proxy) Observe(observe func(time.Duration)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.observe = observe
}

// AwaitRepeats waits for the responses to duplicated and replayed requests.
func (p *Proxy) AwaitRepeats() { p.repeats.Wait() }

// Cut closes all connections. No result that is still on one of them counts as delivered.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
		delete(p.conns, conn)
	}
}

func (p *Proxy) close() {
	close(p.closed)
	_ = p.listener.Close()
	p.Cut()
	p.running.Wait()
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.track(conn)
		p.running.Go(func() {
			defer p.forget(conn)
			p.serve(conn)
		})
	}
}

// track remembers a connection, which ends with the proxy.
func (p *Proxy) track(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[conn] = struct{}{}
	select {
	case <-p.closed:
		_ = conn.Close()
	default:
	}
}

func (p *Proxy) forget(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
	_ = conn.Close()
}

// begin counts an exchange, and chooses its fault and its upstream.
func (p *Proxy) begin(e *Exchange) Fault {
	p.mu.Lock()
	p.exchanges++
	e.N = p.exchanges
	if len(p.upstreams) > 0 {
		e.Upstream = p.upstreams[p.next%len(p.upstreams)]
		p.next++
	}
	fault := p.fault
	p.mu.Unlock()
	return fault(e)
}

// serve passes on the requests of one connection, one after another.
func (p *Proxy) serve(conn net.Conn) {
	var raw bytes.Buffer
	reader := bufio.NewReader(io.TeeReader(conn, &raw))
	for {
		raw.Reset()
		req, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		e := &Exchange{Request: req, RequestBody: body, Run: runOf(body)}
		if !p.exchange(conn, e, bytes.Clone(raw.Bytes())) || req.Close {
			return
		}
	}
}

// exchange passes on one request and its response. It reports whether the connection may
// be used again.
func (p *Proxy) exchange(conn net.Conn, e *Exchange, request []byte) bool {
	fault := p.begin(e)
	if fault.Refuse || e.Upstream == "" {
		reset(conn)
		return false
	}
	p.wait(fault.DelayRequest)
	if fault.Rewrite != nil {
		var err error
		if request, err = e.rewrite(fault.Rewrite); err != nil {
			reset(conn)
			return false
		}
	}
	for range fault.Duplicates {
		p.repeat(e, request, 0)
	}
	if fault.ReplayAfter > 0 {
		p.repeat(e, request, fault.ReplayAfter)
	}
	response, err := p.ask(e, request, fault)
	if err != nil {
		reset(conn)
		return false
	}
	if p.toAPI {
		p.deliver(conn, e)
	}
	p.wait(fault.DelayResponse)
	if n, cut := cutAt(fault.CutResponse, len(response)); cut {
		_, _ = conn.Write(response[:n])
		if fault.Reset {
			reset(conn)
		}
		fault.afterResponse()
		return false
	}
	if fault.Reset {
		reset(conn)
		return false
	}
	if _, err := conn.Write(response); err != nil {
		return false
	}
	if !p.toAPI {
		p.deliver(conn, e)
	}
	if fault.DuplicateResponse {
		_, _ = conn.Write(response)
		return false
	}
	fault.afterResponse()
	return true
}

// rewrite changes the request of an exchange, and returns its bytes.
func (e *Exchange) rewrite(change func(*Exchange)) ([]byte, error) {
	change(e)
	e.Request.Body = io.NopCloser(bytes.NewReader(e.RequestBody))
	e.Request.ContentLength = int64(len(e.RequestBody))
	var raw bytes.Buffer
	err := e.Request.Write(&raw)
	return raw.Bytes(), err
}

// cutAt returns where a cut is in so many bytes, from their end if at is negative, and
// whether it is before their end.
func cutAt(at, length int) (n int, cut bool) {
	if at < 0 {
		return max(0, length+at), true
	}
	return at, at > 0 && at < length
}

func (f Fault) afterResponse() {
	if f.AfterResponse != nil {
		f.AfterResponse()
	}
}

// deliver records the results, and the end of a run, that have reached the server, unless the
// connection was cut: the first write to a server that has ended succeeds.
func (p *Proxy) deliver(conn net.Conn, e *Exchange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, open := p.conns[conn]; !open {
		return
	}
	for _, r := range p.results(e) {
		p.ledger.Add(Entry{Kind: Delivered, Run: r.Run, Step: r.Step})
	}
	if !p.toAPI && e.Run != "" && e.Status == http.StatusOK {
		p.ledger.Add(Entry{Kind: Ended, Run: e.Run})
	}
}

// repeat sends a request once more, and drops the response.
func (p *Proxy) repeat(e *Exchange, request []byte, after time.Duration) {
	p.ledger.Add(Entry{Kind: Duplicated, Run: e.Run, Has: stepsOf(e.RequestBody)})
	again := *e
	p.repeats.Add(1)
	p.running.Go(func() {
		defer p.repeats.Done()
		p.wait(after)
		_, _ = p.ask(&again, request, Fault{})
	})
}

// ask sends a request to an app, or the API, and returns the bytes of the response.
func (p *Proxy) ask(e *Exchange, request []byte, fault Fault) ([]byte, error) {
	begun := time.Now()
	up, err := new(net.Dialer).DialContext(context.Background(), "tcp", e.Upstream)
	if err != nil {
		return nil, err
	}
	p.track(up)
	defer p.forget(up)
	if n, cut := cutAt(fault.CutRequest, len(request)); cut {
		_, _ = up.Write(request[:n])
		p.wait(50 * time.Millisecond) // the app reads what it got
		reset(up)
		return nil, errors.New("cut")
	}
	if _, err := up.Write(request); err != nil {
		return nil, err
	}
	if fault.HalfClose {
		_ = up.(*net.TCPConn).CloseWrite()
	}
	if fault.AfterRequest != nil {
		fault.AfterRequest()
	}
	var raw bytes.Buffer
	resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(up, &raw)), e.Request)
	if err != nil {
		return nil, err
	}
	if e.ResponseBody, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	e.Status = resp.StatusCode
	p.mu.Lock()
	observe := p.observe
	p.mu.Unlock()
	if observe != nil {
		observe(time.Since(begun))
	}
	if fault.RewriteResponse != nil {
		return e.rewriteResponse(resp, fault.RewriteResponse)
	}
	return raw.Bytes(), nil
}

// rewriteResponse changes the body of a response, and returns the bytes of the response.
func (e *Exchange) rewriteResponse(resp *http.Response, change func(*Exchange)) ([]byte, error) {
	change(e)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(e.ResponseBody)), int64(len(e.ResponseBody))
	resp.TransferEncoding = nil
	var raw bytes.Buffer
	err := resp.Write(&raw)
	return raw.Bytes(), err
}

// wait waits, or less if the proxy is closed.
func (p *Proxy) wait(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.closed:
	}
}

// reset closes a connection with RST, as a host does that has lost it.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
