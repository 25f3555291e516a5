package call

import (
	"encoding/json"
	"fmt"

	sdkerrors "github.com/inngest/inngestgo/errors"

	"github.com/inngestkit/inngestkit/core/internal/envelope"
)

// Kept returns the memoized value of a step, or its error, with which it may have a value too.
// It aborts the call if it cannot read the error.
func (c *Call) Kept(id ID, r *envelope.Result) (json.RawMessage, error) {
	switch {
	case r.Error == nil && r.Data == nil: // not in the form that servers use
		return r.Raw, nil
	case r.Error == nil:
		return r.Data, nil
	}
	var failure sdkerrors.StepError
	if err := json.Unmarshal(r.Error, &failure); err != nil {
		c.Abort(Misfit(fmt.Sprintf("the memoized error of step %q cannot be read", id.Name), err))
	}
	if failure.Data == nil {
		failure.Data = null // servers leave it out
	}
	return failure.Data, failure
}
