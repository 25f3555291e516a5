package benchmarks

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// BenchmarkHealth measures what contrib/health adds to a call.
func BenchmarkHealth(b *testing.B) {
	plugins := []plugin{
		{"without", func(*testing.B, *inngestkit.App) error { return nil }},
		{"health", func(_ *testing.B, app *inngestkit.App) error {
			_, err := inngesthealth.Install(app)
			return err
		}},
	}
	b.Run("call", func(b *testing.B) {
		callPlugins(b, plugins, done, callerOf(b, callBody(b, itemsOf(1<<10), 0), http.StatusOK, `"done"`))
	})
	b.Run("steps=1/kept=0", func(b *testing.B) {
		callPlugins(b, plugins, stepsThenDone(1), callerOf(b, callBody(b, itemsOf(1<<10), 0), http.StatusPartialContent, "[{"))
	})
	b.Run("steps=100/kept=100", func(b *testing.B) {
		callPlugins(b, plugins, stepsThenDone(100), callerOf(b, callBody(b, itemsOf(1<<10), 100), http.StatusOK, `"done"`))
	})
}

// BenchmarkHealthRequests measures a call while 1,000 clients request the health report at the
// same time. For comparison, they make the same requests to a handler that does nothing, or
// none at all.
func BenchmarkHealthRequests(b *testing.B) {
	const clients = 1000
	app, err := newApp(1, done)
	require.NoError(b, err)
	_, err = inngesthealth.Install(app, inngesthealth.WithDetails(inngesthealth.DetailsOnQuery))
	require.NoError(b, err)
	mux := http.NewServeMux()
	mux.HandleFunc("/bare", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"status":"ok"}`) })
	inngesthttp.Mount(mux, app)
	server := httptest.NewServer(mux)
	b.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	b.Cleanup(client.CloseIdleConnections)
	call := callerOf(b, callBody(b, itemsOf(1<<10), 0), http.StatusOK, `"done"`)

	names := []string{"none", "bare", "readyz", "health", "details"}
	targets := []string{"", "/bare", "/health/inngest/readyz", "/health/inngest", "/health/inngest?details=true"}
	took := make([][]time.Duration, len(names))
	for b.Loop() {
		for _, i := range rand.Perm(len(names)) {
			asked := make(chan struct{})
			if targets[i] == "" {
				time.AfterFunc(100*time.Millisecond, func() { close(asked) })
			} else {
				go func() {
					defer close(asked)
					askAtOnce(b, client, clients, server.URL+targets[i])
				}()
			}
			for over := false; !over; {
				begin := time.Now()
				call(mux)
				took[i] = append(took[i], time.Since(begin))
				select {
				case <-asked:
					over = true
				default:
				}
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	bare := median(took[1])
	for i, name := range names {
		b.ReportMetric(float64(median(took[i]))/1e3, "µs/"+name)
		if i > 1 {
			b.ReportMetric(float64(median(took[i]))/float64(bare), name+":bare")
		}
	}
}

// askAtOnce makes one request for each client, all at the same time.
func askAtOnce(b *testing.B, client *http.Client, clients int, url string) {
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			resp, err := client.Get(url)
			if err == nil {
				_, err = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
			if err != nil || resp.StatusCode != http.StatusOK {
				b.Error(fmt.Errorf("%s: %v: %w", url, resp, err))
			}
		})
	}
	all.Wait()
}

// BenchmarkReport measures the reports themselves, of an app with this number of functions.
func BenchmarkReport(b *testing.B) {
	for _, functions := range []int{5, 500} {
		app, err := newApp(functions, done)
		require.NoError(b, err)
		h, err := inngesthealth.Install(app, inngesthealth.WithDetails(inngesthealth.DetailsOnQuery))
		require.NoError(b, err)
		mux := http.NewServeMux()
		inngesthttp.Mount(mux, app)
		callerOf(b, callBody(b, itemsOf(1<<10), 0), http.StatusOK, `"done"`)(mux)
		for _, target := range []string{"/livez", "/readyz", "", "?details=true", "?details=true as a page"} {
			b.Run(fmt.Sprintf("functions=%d/%s", functions, target), func(b *testing.B) {
				r := httptest.NewRequest(http.MethodGet, "/health/inngest"+target[:min(len(target), len("?details=true"))], http.NoBody)
				if len(target) > len("?details=true") {
					r.Header.Set("Accept", "text/html")
				}
				b.ReportAllocs()
				for b.Loop() {
					w := httptest.NewRecorder()
					mux.ServeHTTP(w, r)
					if w.Code != http.StatusOK {
						b.Fatal(w.Code, w.Body)
					}
				}
			})
		}
		b.Run(fmt.Sprintf("functions=%d/Ready", functions), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := h.Ready(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
