//go:build unix

package onfasthttp_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// A call ends after its client has hung up, however long it has run, and no earlier. Nothing
// shows that the connection has been looked at, so the test waits as long as two looks take.
func TestHangUpOfALongCall(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	addr, _ := serve(t, new(server), newApp(t, inngestkit.Config{}, func(ctx context.Context) (any, error) {
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	}))
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	require.NoError(t, err)
	_, err = fmt.Fprintf(conn, "POST /api/inngest?fnId=app-fn HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(call), call)
	require.NoError(t, err)
	select {
	case <-ended:
		require.Fail(t, "the call has ended although its client waits")
	case <-time.After(400 * time.Millisecond):
	}
	require.NoError(t, conn.Close())
	select {
	case <-ended:
	case <-time.After(time.Minute):
		require.Fail(t, "the call goes on without its client")
	}
}
