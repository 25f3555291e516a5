package snippets

import (
	"context"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

var (
	ctx context.Context
	app *inngestkit.App
	cfg inngestkit.Config
)
