package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"sync"
	"time"
)

// awaitReady waits until readyz says that a worker is connected.
func awaitReady(ctx context.Context, address string) error {
	return poll(ctx, func() bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
		if err != nil {
			return false
		}
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		_ = resp.Body.Close() // nothing of it is read
		return resp.StatusCode == http.StatusOK
	})
}

func poll(ctx context.Context, done func() bool) error {
	for !done() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// freeAddress returns an address of loopback that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// A watchedWriter is shared by the story and by the output of the workers, and knows what was
// written.
type watchedWriter struct {
	mu   sync.Mutex
	to   io.Writer
	text bytes.Buffer
}

func newWatchedWriter(to io.Writer) *watchedWriter { return &watchedWriter{to: to} }

// Write implements [io.Writer].
func (w *watchedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	return w.to.Write(p)
}

// await waits for output that matches, and returns what the first group has matched.
func (w *watchedWriter) await(ctx context.Context, pattern *regexp.Regexp) (found string, err error) {
	err = poll(ctx, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		match := pattern.FindSubmatch(w.text.Bytes())
		if match != nil {
			found = string(match[1])
		}
		return match != nil
	})
	return found, err
}
