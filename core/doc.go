// Package inngestkit serves [Inngest] durable functions from any Go web framework.
//
// An [App] holds functions and answers the Inngest server's calls. Functions are
// plain values, made with [OnEvent] and [OnCron]; inside them, package step gives
// the durable steps, and package flow the options that control how runs are
// retried, limited and delayed. An adapter such as inngestgin or inngesthttp
// mounts the app on a router:
//
//	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
//	err = app.Register(
//		inngestkit.OnEvent("welcome", userCreated, welcome, flow.Retries(5)),
//		inngestkit.OnCron("daily-report", "0 9 * * *", report),
//	)
//	inngestgin.Mount(router, app)
//
// The engine underneath is the official SDK, github.com/inngest/inngestgo; its
// types and the meaning of its steps are kept.
//
// [Inngest]: https://www.inngest.com
package inngestkit
