// Package inngesttest tests durable functions in milliseconds, with the verdicts of the real
// Inngest server.
//
// [Run] runs one function to its end:
//
//	func TestWelcome(t *testing.T) {
//		require.Equal(t, "welcome, u1", inngesttest.Run(t, welcome, User{ID: "u1"}).Output())
//	}
//
// # The virtual engine
//
// [Virtual] returns an [Engine], which plays the Inngest server in the process of the test: the
// app is called as the server calls it, through its own middleware, results go through JSON, and
// what fails is retried. Sleeps, timeouts, retries and schedules take no time, because time
// passes only when the test lets it:
//
//	e := inngesttest.Virtual(t)
//	e.Register(expense)
//	run := inngesttest.Start(e, expense, Expense{ID: "x", Amount: 900})
//	e.Advance(2 * 24 * time.Hour)
//	e.Send(approved.New(Approval{ExpenseID: "x", By: "ann"}))
//	require.Equal(t, "approved by ann", run.Wait().Output())
//
// Start sends an event, Wait lets time pass until the run has ended, Advance lets some pass, and
// Drain all that is needed. The methods of an engine first let everything happen that is due.
//
// Time of your own code, such as time.Now, is virtual only in a bubble of [testing/synctest]. The
// engine notices the bubble. Without one, it refuses step.SleepUntil after time has passed, whose
// result would depend on both clocks.
//
// A failing test prints the timeline of its runs: time, call, step, attempt and outcome.
//
// # Stubs
//
// [Engine.Step] decides how a step ends, in place of its callback or of the server:
//
//	e.Step("charge").Fails(errors.New("gateway down")).Times(2)
//	e.Step("rates").Responds(200, Rates{EUR: 1})
//	e.Step("approval").TimesOut()
//
// # One test, two targets
//
// [Real] runs the same functions on a real server, and [Targets] ranges over the virtual engine
// and the real server in both supported versions. Package devserver has more of the real server.
//
// # Without an engine
//
// [StepContext] is for a unit test that calls a handler directly, and [NewRecorder] for code that
// only sends events.
package inngesttest
