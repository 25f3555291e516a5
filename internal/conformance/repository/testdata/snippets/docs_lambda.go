package snippets

import (
	"context"
	"net/http"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

var (
	welcome = inngestkit.OnCron("welcome", "0 9 * * *", func(context.Context, inngestkit.CronInput) (string, error) { return "", nil })
	site    http.Handler
)
