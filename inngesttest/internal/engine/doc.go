// Package engine plays the Inngest server for apps in the same process, with virtual time.
//
// One queue has everything that happens at a time (queue.go). An item of it calls an app, or
// runs a func. Settle takes the items that are due, AdvanceTo lets time pass (loop.go, clock.go).
// The calls that are due at the same time begin together, as on a server, and are made one after
// the other, unless overlap.go or bubble.go make them overlap. A call passes: mayStart asks the limits
// (flow.go) → prepare (call.go) → the body (body.go) → the app → interpret finds out what the
// response means (response.go, ops.go) → handle acts on it (handle.go, parallel.go, sleep.go,
// gateway.go, retry.go) and puts the next call into the queue. What the app requests meanwhile
// arrives at RoundTrip (api.go, checkpoint.go).
//
// Events (events.go) end waits (waits.go), cancel runs (cancel.go) and start runs (triggers.go,
// schedule.go, delays.go, cron.go). A run that ends sends events itself (internalevents.go).
//
// The rules are those of the server's source, to which comments refer by the server's paths. Two
// servers are played; comments without a version hold for both.
//
// The same calls of the engine lead to the same result: IDs and random numbers come from a seed,
// and nothing depends on the order of a map. Only calls that overlap outside a bubble send events
// in an order of their own.
package engine
