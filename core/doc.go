// Package inngestkit serves [Inngest] durable functions from any Go web framework.
//
// An [App] holds functions and handles the Inngest server's calls. An adapter such as
// inngestgin or inngesthttp mounts the app on a router:
//
//	var userCreated = inngestkit.DefineEvent[User]("user.created")
//
//	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
//	err = app.Register(
//		inngestkit.OnEvent("welcome", userCreated, welcome, flow.Retries(5)),
//		inngestkit.OnCron("daily-report", "0 9 * * *", report),
//	)
//	inngestgin.Mount(router, app)
//
// # Events and functions
//
// [DefineEvent] ties the name of an event to the Go type of its data. [OnEvent] and [OnCron]
// make functions; [AnyOf] and [AnyOfTypes] give one function several events and schedules.
// A function that returns an error is retried; [NoRetry], [RetryAfter] and [RetryAt] decide
// whether and when. [OnFailure] handles runs that have failed for good. Within a function,
// [Logger] returns a logger that is silent during replays.
//
// # Steps and flow control
//
// Package step has the durable steps that functions consist of: their results are memoized,
// so a run continues where it was. Package flow has the options that limit, delay, batch and
// cancel runs. A [Group] shares options between functions.
//
// # Sending
//
// [App.Send] and [Send] send events, [App.SendSignal] resumes a run that waits for a signal.
//
// # Middleware
//
// [Middleware] wraps functions, steps and sends: those of the app with [App.Use], those of a
// group or of one function with [Use]. [Logging] and [Recover] are ready to use, and
// [SDKMiddleware] adapts middleware of the SDK.
//
// # The life of an app
//
// [ConfigFromEnv] and [ConfigFrom] fill a [Config]. [App.Start] announces the app to the dev
// server, [App.Sync] to any server. [App.Connect] serves the app over a connection instead of
// an endpoint. [App.CheckEndpoint] and [App.Ping] check that the server reaches the app and
// the app the server. [App.Shutdown] drains the app. Package adapter and [App.AddRoutes] are
// for authors of adapters and plugins.
//
// # The SDK
//
// The engine underneath is the official SDK, github.com/inngest/inngestgo. Its types and the
// semantics of its steps are unchanged. [FromClient] serves functions made with the SDK alone.
// These types are the SDK's own, so go doc does not show their fields here:
//
//	Input[T]   Event      Event[T], the event that started the run
//	           Events     []Event[T], all events of the batch
//	           InputCtx   the context of the call
//	Event[T]   Name       string
//	           Data       T
//	           ID         *string, set by the sender or the server
//	           Timestamp  int64, in milliseconds since 1970
//	           Version    string, of the structure of Data
//	           User       map[string]any, deprecated
//	           methods    Event, Map, Validate, which the SDK uses
//	InputCtx   RunID      string, the same in all calls of a run
//	           Attempt    int, from 0, of the step or function that the call runs
//	           FunctionID, StepID, RequestID, JobID, Env
//	                      string, as the server names them
//	CronInput  an Input whose Data is a CronData
//	RawEvent   an Event whose Data is a json.RawMessage
//
// [Inngest]: https://www.inngest.com
package inngestkit
