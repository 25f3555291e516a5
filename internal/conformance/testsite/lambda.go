package testsite

import (
	inngestlambda "github.com/inngestkit/inngestkit/adapters/lambda"
	"github.com/inngestkit/inngestkit/adapters/lambda/lambdatest"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Lambda returns a server that invokes a Lambda handler for an app as an HTTP API of API
// Gateway does, without its limit of 30 s.
func Lambda(app *inngestkit.App) Server {
	return HTTP(&lambdatest.Gateway{Kind: lambdatest.HTTPAPI, Handler: inngestlambda.Handler(app)})
}
