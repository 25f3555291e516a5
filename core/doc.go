// Package inngestkit serves [Inngest] durable functions from any Go web framework.
//
// An [App] holds functions and handles the Inngest server's calls. Functions are plain
// values, made with [OnEvent] and [OnCron]. Package step has the durable steps that run
// inside them, package flow the options that control how runs are retried, limited and
// delayed. An adapter such as inngestgin or inngesthttp mounts the app on a router:
//
//	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
//	err = app.Register(
//		inngestkit.OnEvent("welcome", userCreated, welcome, flow.Retries(5)),
//		inngestkit.OnCron("daily-report", "0 9 * * *", report),
//	)
//	inngestgin.Mount(router, app)
//
// # Around functions
//
// [AnyOf] and [AnyOfTypes] combine several events and schedules for one function.
// [Middleware] wraps functions, steps and sends: those of the app with [App.Use], those of
// a [Group] or of one function with [Use]. [Logger] returns the logger for the code of
// functions. [OnFailure] handles runs that have failed for good. [NoRetry], [RetryAfter]
// and [RetryAt] say whether and when to retry.
//
// # Around apps
//
// [ConfigFromEnv] and [ConfigFrom] fill a [Config]. [App.Start] announces the app to
// the dev server, [App.Sync] to any server. [App.Connect] serves it without an endpoint.
// [App.Shutdown] drains it. [App.Send] sends events, [App.SendSignal] signals.
// [FromClient] adopts the functions of a client of the bare SDK.
//
// The engine underneath is the official SDK, github.com/inngest/inngestgo. Its types and
// the semantics of its steps are unchanged.
//
// [Inngest]: https://www.inngest.com
package inngestkit
