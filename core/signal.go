package inngestkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/inngestkit/inngestkit/core/internal/datacheck"
	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// ErrNoSignalWaiter is what [App.SendSignal] returns if no run waits for the
// signal: it has not come to its step yet, was resumed already, or the wait timed
// out.
var ErrNoSignalWaiter = errors.New("no run waits for the signal")

// SendSignal resumes the run that waits for signal, whose step then returns data.
// Data is anything that encoding/json encodes. If no run waits, the error is
// [ErrNoSignalWaiter].
//
// It tries again after network errors, 429 and 5xx answers, a few times or until
// ctx is done. If such a try resumed the run nonetheless, the next finds no run
// that waits; the error then says so.
func (a *App) SendSignal(ctx context.Context, signal string, data any) error {
	if signal == "" {
		return errors.New("inngestkit: signal: it has no name")
	}
	encoded, err := safe.Marshal(data)
	if err != nil {
		return fmt.Errorf("inngestkit: signal %q: its data cannot be encoded: %w", signal, err)
	}
	if err := a.checker.Check(ctx, datacheck.Place{What: "the data of a signal"}, encoded); err != nil {
		return fmt.Errorf("inngestkit: signal %q: %w", signal, err)
	}
	body := mustJSON(struct {
		Signal string          `json:"signal"`
		Data   json.RawMessage `json:"data"`
	}{signal, encoded})
	_, failure := a.config.callAPI(ctx, apiRequest{
		method: http.MethodPost, path: "/v1/signals", body: body, limit: maxAnswerBytes,
	})
	switch {
	case failure == nil:
		return nil
	case failure.status != http.StatusNotFound || !failure.inngest: // a wrong URL is not found, either
		return fmt.Errorf("inngestkit: signal %q: %w", signal, failure)
	case failure.lost:
		return fmt.Errorf("inngestkit: signal %q: %w; perhaps a try that got no answer has resumed it", signal, ErrNoSignalWaiter)
	default:
		return fmt.Errorf("inngestkit: signal %q: %w", signal, ErrNoSignalWaiter)
	}
}
