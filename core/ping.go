package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Ping asks the Inngest server, and the host that takes events if it is another one,
// for a sign of life: any answer below 500. It sends no event and no key. What the
// server thinks of the app's keys, or of the app, it does not tell. Over
// [App.Connect] it is the connection that counts, and nothing is asked.
//
// The error says which host did not answer, and why. It takes at most 30 s.
func (a *App) Ping(ctx context.Context) error {
	if connecting, connected := a.Connection(); connecting {
		if !connected {
			return errors.New("inngestkit: ping: the connection to " + a.config.server() + " is lost")
		}
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, httpTimeout, errNoAnswer)
	defer cancel()
	err := a.pingHost(ctx, a.config.APIBaseURL)
	if a.config.EventAPIBaseURL != a.config.APIBaseURL {
		err = errors.Join(err, a.pingHost(ctx, a.config.EventAPIBaseURL))
	}
	return err
}

func (a *App) pingHost(ctx context.Context, base string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/health", http.NoBody)
	if err != nil {
		return fmt.Errorf("inngestkit: ping %s: %w", redacted(base), withoutURL(err))
	}
	a.config.setHeaders(req, "")
	resp, err := a.config.HTTPClient.Do(req)
	if err != nil {
		return fmt.Errorf("inngestkit: ping %s: %w", redacted(base), withoutURL(err))
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxQuoted)) // so that the connection can be used again
	if resp.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("inngestkit: ping %s: it answered %s", redacted(base), resp.Status)
	}
	return nil
}
