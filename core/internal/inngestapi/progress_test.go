package inngestapi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// silentAt returns a client of a server that hangs at one point, and calls stuck there.
func silentAt(t *testing.T, point string, stuck func()) *Client {
	t.Helper()
	hang := func(ctx context.Context) error {
		stuck()
		<-ctx.Done()
		return ctx.Err()
	}
	dialing := &http.Transport{}
	t.Cleanup(dialing.CloseIdleConnections)
	client := &http.Client{Transport: dialing}
	host := "http://inngest.test"
	switch point {
	case "name":
		resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { return nil, hang(ctx) }}
		dialing.DialContext = (&net.Dialer{Resolver: resolver}).DialContext
	case "response":
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		done := make(chan struct{})
		go func() {
			defer close(done)
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			_, _ = conn.Read(make([]byte, 1))
			stuck()
			_, _ = io.Copy(io.Discard, conn)
		}()
		t.Cleanup(func() {
			require.NoError(t, listener.Close())
			<-done
		})
		host = "http://" + listener.Addr().String()
	case "a client without net/http's transport":
		client.Transport = transport(func(r *http.Request) (*http.Response, error) { return nil, hang(r.Context()) })
	}
	return New(Options{
		HTTPClient: client, Logger: slog.New(slog.DiscardHandler), APIBaseURL: host, EventAPIBaseURL: host, Header: http.Header{},
	})
}

// The error of a request whose context has ended names the host and what the request was
// doing, whatever the request is for.
func TestEndedRequestsSayWhatTheyDid(t *testing.T) {
	t.Parallel()
	requests := map[string]func(ctx context.Context, c *Client) error{
		"announce": func(ctx context.Context, c *Client) error {
			_, err := c.Announce(ctx, []byte("{}"), Announcement{})
			return err
		},
		"send": func(ctx context.Context, c *Client) error {
			_, _, failure := c.SendEvents(ctx, eventsOf(`{}`))
			return failure
		},
		"get": func(ctx context.Context, c *Client) error { _, err := c.Get(ctx, "/v1/x", 1); return err },
	}
	for point, doing := range map[string]string{
		"name":                                  "looking up the name inngest.test",
		"response":                              "waiting for the response of http://127.0.0.1:",
		"a client without net/http's transport": "waiting for http://inngest.test",
	} {
		for name, request := range requests {
			t.Run(point+"/"+name, func(t *testing.T) {
				t.Parallel()
				gaveUp := errors.New("the caller's timeout")
				ctx, giveUp := context.WithCancelCause(t.Context())
				err := request(ctx, silentAt(t, point, func() { giveUp(gaveUp) }))
				require.ErrorContains(t, err, "context canceled: the caller's timeout while "+doing)
				require.ErrorIs(t, err, gaveUp)
				require.ErrorIs(t, err, context.Canceled)
			})
		}
	}
}
