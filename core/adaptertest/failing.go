package adaptertest

import (
	"context"
	"errors"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// fails has failing fail.
const fails = "fail"

// failing is a function that ends the way the event's ID says.
func failing(_ context.Context, in input) (any, error) {
	err := errors.New("failed as asked")
	switch in.Event.Data.ID {
	case fails:
		return nil, err
	case "never again":
		return nil, inngestkit.NoRetry(err)
	case "later":
		return nil, inngestkit.RetryAfter(err, time.Minute)
	default:
		return in.Event.Data.ID, nil
	}
}
