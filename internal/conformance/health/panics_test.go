package health

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// broken is a logger's handler and a client's transport that always panic.
type broken struct{}

func (broken) Enabled(context.Context, slog.Level) bool         { panic("Enabled") }
func (broken) Handle(context.Context, slog.Record) error        { panic("Handle") }
func (broken) WithAttrs([]slog.Attr) slog.Handler               { panic("WithAttrs") }
func (broken) WithGroup(string) slog.Handler                    { panic("WithGroup") }
func (broken) RoundTrip(*http.Request) (*http.Response, error)  { panic("RoundTrip") }
func (broken) check(context.Context) error                      { panic(matryoshka{}) }
func (broken) authorize(context.Context, *adapter.Request) bool { panic(matryoshka{}) }

// matryoshka panics with itself when it is printed.
type matryoshka struct{}

func (m matryoshka) String() string { panic(m) }

// A program responds to calls and probes although everything that it has given to the app
// panics, at the same time and in the background.
func TestEverythingPanics(t *testing.T) {
	t.Parallel()
	eachFramework(t, func(t *testing.T, with framework) {
		s := setup{
			with:   with,
			config: inngestkit.Config{Logger: slog.New(broken{}), HTTPClient: &http.Client{Transport: broken{}}},
			options: []inngesthealth.Option{
				inngesthealth.WithInterval(checkEvery), inngesthealth.WithServerCheck(),
				inngesthealth.WithChecks(inngesthealth.Check{Name: "broken", Run: broken{}.check}),
				inngesthealth.WithAuthorization(broken{}.authorize),
			},
		}.serve(t)
		require.NoError(t, s.app.Start(t.Context()))
		require.NoError(t, s.app.Go(func(context.Context) { panic(matryoshka{}) }))
		testsite.Eventually(t, checkEvery, func() bool {
			got := s.get(t, report)
			require.Equal(t, http.StatusServiceUnavailable, got.status)
			indicators := got.report(t).Error
			return indicators["broken"].Message == "the check panicked; see the app's log" &&
				!strings.Contains(got.body, "no result yet")
		})
		require.Equal(t, http.StatusOK, s.get(t, liveness).status)
		require.Equal(t, http.StatusForbidden, s.get(t, detailed).status)
		require.Equal(t, http.StatusInternalServerError, s.do(t, http.MethodPut, inngestkit.DefaultPath).status)
		status, body, err := testsite.Request(testsite.Within(t), s.client, http.MethodPost,
			s.root+inngestkit.DefaultPath+"?fnId=shop-process-order", `{"ctx":{"run_id":"r"},"event":{"name":"order.placed","data":{}}}`, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, `"done"`, body)
	})
}
