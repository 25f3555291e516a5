package inngestlambda

import (
	"context"
	"errors"
	"time"
)

// responseMargin is how long before the deadline of the invocation the context of a call
// ends. At the deadline, Lambda kills the process, and the server gets a response without
// a reason. Encoding and sending the largest response takes about 0.1 s on a whole
// processor, of which functions with little memory get only a fraction.
const responseMargin = 500 * time.Millisecond

// marginDivisor limits the margin to a tenth of the time that is left, for short timeouts.
const marginDivisor = 10

// defaultTimeout is the timeout of a Lambda function unless it is configured. It is rarely
// intended, so the app warns about it.
const defaultTimeout = 3 * time.Second

// errTimeout is the cause of contexts that end before the invocation's deadline.
var errTimeout = errors.New("the timeout of the Lambda function is about to end the invocation; " +
	"make it longer than every step, or split the step")

// beforeDeadline returns a context that is cancelled a little before its deadline, which
// remains that of the invocation: with an earlier deadline, the contexts that the core
// derives would end by themselves, without errTimeout as their cause.
func beforeDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	margin := min(responseMargin, time.Until(deadline)/marginDivisor)
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(time.Until(deadline)-margin, func() { cancel(errTimeout) })
	return ctx, func() {
		timer.Stop()
		cancel(nil)
	}
}
