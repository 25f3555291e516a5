package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/inngestkit/inngestkit/core/internal/datacheck"
	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
)

// ErrNoSignalWaiter is the error of [App.SendSignal] if no run waits for the signal: the run
// has not reached its step yet, was resumed already, or stopped waiting.
var ErrNoSignalWaiter = errors.New("no run waits for the signal")

// SendSignal resumes the run that waits for signal; its step then returns data, which is
// anything that encoding/json encodes. If no run waits, the error is [ErrNoSignalWaiter].
//
// SendSignal makes up to four attempts, after network errors, 429 and 5xx responses, until
// ctx is done. If a failed attempt resumed the run nonetheless, the next one finds no run
// that waits; the error then mentions it.
func (a *App) SendSignal(ctx context.Context, signal string, data any) error {
	if signal == "" {
		return errors.New("inngestkit: signal: it has no name")
	}
	encoded, err := a.codec.Marshal(data)
	if err != nil {
		return fmt.Errorf("inngestkit: signal %q: its data cannot be encoded: %w", signal, err)
	}
	if err := a.checker.Check(ctx, datacheck.Place{What: "the data of a signal"}, encoded); err != nil {
		return fmt.Errorf("inngestkit: signal %q: %w", signal, err)
	}
	err = a.api.Signal(ctx, signal, encoded)
	if err == nil {
		return nil
	}
	refusal, ok := errors.AsType[*inngestapi.Error](err)
	switch {
	case !ok || refusal.Status != http.StatusNotFound || !refusal.FromInngest: // a wrong URL is 404 too
		return fmt.Errorf("inngestkit: signal %q: %w", signal, err)
	case refusal.Uncertain:
		return fmt.Errorf("inngestkit: signal %q: %w; perhaps an attempt without a response has resumed it",
			signal, ErrNoSignalWaiter)
	default:
		return fmt.Errorf("inngestkit: signal %q: %w", signal, ErrNoSignalWaiter)
	}
}
