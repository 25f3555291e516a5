package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// newKey returns a signing key for a self-hosted server, or an event key: what
// openssl rand -hex 32 prints.
func newKey() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return hex.EncodeToString(key)
}

// lookupMap returns a lookup in a map.
func lookupMap(values map[string]string) inngestkit.Lookup {
	return func(_ context.Context, variable string) (value string, found bool, err error) {
		value, found = values[variable]
		return value, found, nil
	}
}

// startVault starts the fake vault, and returns what stops it.
func (r *rotation) startVault(ctx context.Context) (stop func(), err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r.vaultURL = "http://" + listener.Addr().String()
	srv := &http.Server{Handler: r.vault, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = srv.Serve(listener) // ends with Close
	}()
	return func() {
		_ = srv.Close() // nothing of it is lost
		<-served
	}, nil
}

// stop stops the app and the server.
func (r *rotation) stop() (err error) {
	if r.stopApp != nil {
		err = r.stopApp()
	}
	if r.server != nil {
		err = errors.Join(err, r.server.Kill())
	}
	return err
}

// post calls the app as a client does, without a signature.
func (r *rotation) post(ctx context.Context, path, body string, into any) (status int, err error) {
	url := "http://" + net.JoinHostPort("127.0.0.1", r.port) + path
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }() // nothing more is read
	if into == nil {
		return resp.StatusCode, nil
	}
	return resp.StatusCode, json.NewDecoder(resp.Body).Decode(into)
}

// output is shared by the demonstration and by the app's log.
type output struct {
	mu sync.Mutex
	to io.Writer
}

// Write implements [io.Writer].
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.to.Write(p)
}

// printf prints. A failure to print cannot be reported.
func (o *output) printf(format string, args ...any) { _, _ = fmt.Fprintf(o, format, args...) }
