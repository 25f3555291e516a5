package lab

import (
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

// A Resolver is a name server. It answers every question about a host with the loopback
// address, unless it is told to fail.
type Resolver struct {
	conn    net.PacketConn
	failure atomic.Int64
	failed  atomic.Int64
}

// A NameFailure is how a [Resolver] fails.
type NameFailure int64

const (
	// Resolves is no failure.
	Resolves NameFailure = iota
	// Unknown says that no such name exists (NXDOMAIN).
	Unknown
	// Broken says that the name server has failed (SERVFAIL).
	Broken
	// Silent does not answer.
	Silent
)

// StartResolver starts a name server on the loopback interface.
func StartResolver(t *testing.T) *Resolver {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &Resolver{conn: conn}
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.serve()
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return r
}

// Addr returns the address of the name server.
func (r *Resolver) Addr() string { return r.conn.LocalAddr().String() }

// Fail makes the name server fail from now on, or answer again with [Resolves].
func (r *Resolver) Fail(how NameFailure) { r.failure.Store(int64(how)) }

// Failed returns how many questions it has failed to answer.
func (r *Resolver) Failed() int { return int(r.failed.Load()) }

func (r *Resolver) serve() {
	buf := make([]byte, 512) // the largest message without extensions (RFC 1035, 4.2.1)
	for {
		n, from, err := r.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if answer := r.answer(buf[:n]); answer != nil {
			_, _ = r.conn.WriteTo(answer, from)
		}
	}
}

// answer returns the answer to a question, nil for none.
func (r *Resolver) answer(question []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	m.Response, m.Additionals = true, nil
	how := NameFailure(r.failure.Load())
	if how != Resolves {
		r.failed.Add(1)
	}
	switch q := m.Questions[0]; {
	case how == Silent:
		return nil
	case how == Unknown:
		m.RCode = dnsmessage.RCodeNameError
	case how == Broken:
		m.RCode = dnsmessage.RCodeServerFailure
	case q.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}}
	}
	packed, err := m.Pack()
	if err != nil {
		return nil
	}
	return packed
}
