package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/httpclient"
	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
)

// register announces the functions to the server's API, once a sync that runs has ended.
func (a *App) register(ctx context.Context, appURL *url.URL, from inngestapi.Registration) (modified bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, httpclient.Timeout)
	defer cancel()
	select {
	case a.syncer.running <- struct{}{}:
		defer func() { <-a.syncer.running }()
	case <-ctx.Done():
		return false, fmt.Errorf("sync with %s: waiting for another sync: %w", a.config.server(), ctxerr.Cause(ctx))
	}
	payload := a.registerPayload(appURL, from.Framework)
	modified, err = a.api.Register(ctx, mustJSON(payload), from)
	if refusal, ok := errors.AsType[*inngestapi.Error](err); ok && refusal.Refused() {
		err = a.refusedSync(ctx, payload, refusal)
	}
	if err != nil {
		return false, fmt.Errorf("sync with %s: %w", a.config.server(), err)
	}
	a.syncer.record(Sync{Time: time.Now(), URL: appURL.Redacted(), Functions: len(payload.Functions)})
	return modified, nil
}
