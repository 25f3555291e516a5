package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
)

// Ping asks the Inngest server, and the host that takes events if it is another one,
// for a sign of life: any answer below 500, after redirects, which the app's other
// requests follow, too. It sends no event and no key. What the server thinks of the
// app's keys, or of the app, it does not tell. Over [App.Connect] it is the
// connection that counts, and nothing is asked.
//
// The error says for each host that did not answer why, with the cause of ctx's end
// if that was it. It takes at most 30 s.
func (a *App) Ping(ctx context.Context) error {
	if connecting, connected := a.Connection(); connecting {
		if !connected {
			return errors.New("inngestkit: ping: not connected to " + a.config.server() + " at the moment")
		}
		return nil
	}
	bases := []string{a.config.APIBaseURL}
	if a.config.EventAPIBaseURL != a.config.APIBaseURL {
		bases = append(bases, a.config.EventAPIBaseURL)
	}
	// At the same time: a host that hangs must not use up the time of the other one.
	errs := make([]error, len(bases))
	var asked sync.WaitGroup
	for i, base := range bases {
		errs[i] = fmt.Errorf("inngestkit: ping %s: it panicked, or its goroutine has ended; see the app's log", redacted(base))
		asked.Go(func() {
			a.caught("a ping", func() { errs[i] = a.pingHost(ctx, base) })
		})
	}
	asked.Wait()
	if a.gate.IsClosed() {
		a.closeConnections() // Shutdown does not wait for pings, and may have been here already
	}
	return errors.Join(errs...)
}

func (a *App) pingHost(ctx context.Context, base string) error {
	limited, cancel := context.WithTimeout(ctx, httpTimeout)
	defer cancel()
	resp, err := a.getHealth(limited, base)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		err = ctxerr.Cause(ctx)
	case limited.Err() != nil:
		err = errNoAnswer // not the context's error, which is not the caller's
	default:
		err = withoutURL(err)
	}
	if err != nil {
		return fmt.Errorf("inngestkit: ping %s: %w", redacted(base), err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxQuoted)) // so that the connection can be used again
	if resp.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("inngestkit: ping %s: it answered %s", redacted(base), resp.Status)
	}
	return nil
}

// getHealth makes the request of a ping. The path is the server's (pkg/api/api.go in
// its source); Inngest Cloud and proxies may answer it with 404, which is as good.
func (a *App) getHealth(ctx context.Context, base string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/health", http.NoBody)
	if err != nil {
		return nil, err
	}
	a.config.setHeaders(req, "")
	return a.config.HTTPClient.Do(req)
}
