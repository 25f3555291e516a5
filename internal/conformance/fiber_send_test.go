package conformance

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// keepingTransport stands in for an http.Transport, which looks values up in the context of
// a request even after the response, and for the Inngest server.
type keepingTransport struct {
	first context.Context
	// seen has what the context of the first send contains during each send.
	seen []any
}

func (k *keepingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if k.first == nil {
		k.first = req.Context()
	}
	k.seen = append(k.seen, k.first.Value("number"))
	return &http.Response{
		StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"ids":["e1"],"status":200}`)), Request: req,
	}, nil
}

// The context of a send has no values of later requests, whatever the user made it from.
func TestFiberSendsKeepNoValues(t *testing.T) {
	t.Parallel()
	eachFiber(t, func(t *testing.T, version fiberVersion) {
		for _, setup := range version.userContexts(t) {
			t.Run(setup.name, func(t *testing.T) {
				t.Parallel()
				transport := &keepingTransport{}
				app, err := inngestkit.New(inngestkit.Config{
					AppID: "app", Dev: true, Logger: slog.New(slog.DiscardHandler),
					BaseURL: "http://127.0.0.1:1", HTTPClient: &http.Client{Transport: transport},
				})
				require.NoError(t, err)
				f := version.new(fiberConfig{streams: true})
				f.send("/send/:number", app, func(c fiberCtx) error {
					c.Locals("number", strings.Clone(c.Path()))
					return setup.set(c)
				})
				listener := testsite.Listen(t, "")
				shutdown := testsite.Serve(t, f, listener)
				client := testsite.NewClient(t) // on one connection, fasthttp uses one RequestCtx
				for number := range 3 {
					status, answer, err := testsite.Request(testsite.Within(t), client, http.MethodPost,
						fmt.Sprintf("http://%s/send/%d", listener.Addr(), number), "", nil)
					require.NoError(t, err)
					require.Equal(t, http.StatusOK, status, answer)
				}
				client.CloseIdleConnections()
				shutdown()
				require.Len(t, transport.seen, 3)
				require.Contains(t, []any{nil, "/send/0"}, transport.seen[0])
				require.Equal(t, []any{nil, nil}, transport.seen[1:])
			})
		}
	})
}
