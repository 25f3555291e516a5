package snippets

// The harness of TestSnippetsRun, which adds it to the code of a page. The blocks of the page
// are in examples.

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest"
)

var (
	ctx context.Context
	app *inngestkit.App
	cfg inngestkit.Config
)

// RunExamples runs the examples of a page.
func RunExamples(t *testing.T) {
	t.Setenv("INNGEST_APP_ID", "shop")
	t.Setenv("INNGEST_DEV", "1")
	gin.SetMode(gin.ReleaseMode)
	for name, example := range examples {
		t.Run(name, func(t *testing.T) {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			config := inngestkit.Config{AppID: "shop", Dev: true, ServePath: "/api/inngest"} // in place of a mount
			app = inngesttest.NewRecorder(t, config).App()
			r, server = gin.New(), &http.Server{}
			require.NoError(t, app.Register(welcomeFunction))
			example(t)
		})
	}
}

// inFunction runs statements with steps, in a function that an engine calls.
func inFunction(t *testing.T, statements func(t *testing.T, ctx context.Context)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := inngesttest.Virtual(t, inngesttest.StartAt(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)))
		e.Step("load-rates").Responds(http.StatusOK, map[string]float64{"EUR": 1}).Optional()
		e.Step("summarize").Responds(http.StatusOK, map[string]any{}).Optional()
		e.Step("ship").Returns("tracking").Optional()
		started := inngestkit.DefineEvent[Order]("example")
		function := inngestkit.OnEvent("example", started, func(ctx context.Context, _ inngestkit.Input[Order]) (any, error) {
			statements(t, ctx)
			return nil, nil
		})
		e.Register(function, welcomeFunction)
		run := inngesttest.Start(e, function, order).Wait()
		require.Equal(t, inngesttest.RunCompleted, run.Status(), "%v", run.Err())
	})
}

// execute runs a function of a page to its end. A function on events of Inngest's own is only
// registered.
func execute[T, R any](t *testing.T, function inngestkit.TypedFunction[T, R]) {
	t.Helper()
	var data T
	switch data := any(&data).(type) {
	case *UserCreated:
		*data = user
	case *Order:
		*data = order
	case *any:
		*data = order
	case *inngestkit.CronData:
	default:
		require.NoError(t, app.Register(function))
		return
	}
	synctest.Test(t, func(t *testing.T) {
		run := inngesttest.Run(t, function, data)
		require.Equal(t, inngesttest.RunCompleted, run.Status(), "%v", run.Err())
	})
}

// executeHandler runs a handler of a page as a function.
func executeHandler[T, R any](t *testing.T, handler func(ctx context.Context, in inngestkit.Input[T]) (R, error)) {
	t.Helper()
	execute(t, inngestkit.OnEvent("example", inngestkit.DefineEvent[T]("example"), handler))
}
