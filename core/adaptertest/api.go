package adaptertest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// api is a fake of an Inngest server's API.
type api struct {
	*httptest.Server

	mu         sync.Mutex
	registered []registration
}

// registration is what a sync has sent to the API.
type registration struct {
	URL       string `json:"url"`
	Framework string `json:"framework"`
	Functions []struct {
		Steps map[string]struct {
			Runtime struct {
				URL string `json:"url"`
			} `json:"runtime"`
		} `json:"steps"`
	} `json:"functions"`

	// header is the framework in the request's header.
	header string
}

// newAPI starts an API that accepts everything. If events is not nil, it handles the
// requests that send events.
func newAPI(tb testing.TB, events http.HandlerFunc) *api {
	tb.Helper()
	a := &api{}
	if events == nil {
		events = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"ids":["e1"],"status":200}`) }
	}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/e/"):
			events(w, r)
		case r.URL.Path == "/fn/register":
			a.register(w, r)
		default:
			_, _ = io.WriteString(w, `{}`)
		}
	}))
	tb.Cleanup(a.Close)
	return a
}

func (a *api) register(w http.ResponseWriter, r *http.Request) {
	told := registration{header: r.Header.Get("X-Inngest-Framework")}
	if err := json.NewDecoder(r.Body).Decode(&told); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.registered = append(a.registered, told)
	_, _ = io.WriteString(w, `{"ok":true,"modified":true}`)
}

// last returns the last registration.
func (a *api) last(tb testing.TB) registration {
	tb.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.registered) == 0 {
		tb.Fatal("the app was not announced")
	}
	return a.registered[len(a.registered)-1]
}
