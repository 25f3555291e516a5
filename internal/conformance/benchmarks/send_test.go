package benchmarks

import (
	"io"
	"net/http"
	"strings"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

type acceptsEvents struct{}

func (acceptsEvents) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"ids":["id1"]}`)), ContentLength: -1}, nil
}

// BenchmarkSend sends one event to a server in memory: without middleware, which encodes the
// event once, and with it, which encodes it, decodes all but the data and encodes it again.
func BenchmarkSend(b *testing.B) {
	type data struct {
		Text string `json:"text"`
	}
	event := inngestkit.DefineEvent[data]("user/signed-up")
	passOn := inngestkit.Middleware{Send: func(next inngestkit.SendHandler) inngestkit.SendHandler { return next }}
	for name, size := range map[string]int{"100 B": 100, "64 KiB": 64 << 10} {
		for with, middleware := range map[string][]inngestkit.Middleware{"plain": nil, "middleware": {passOn}} {
			b.Run(name+"/"+with, func(b *testing.B) {
				app, err := inngestkit.New(inngestkit.Config{AppID: "app", Dev: true, HTTPClient: &http.Client{Transport: acceptsEvents{}}})
				if err != nil {
					b.Fatal(err)
				}
				app.Use(middleware...)
				sent := event.New(data{strings.Repeat("x", size)})
				b.ReportAllocs()
				for b.Loop() {
					if _, err := app.Send(b.Context(), sent); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
