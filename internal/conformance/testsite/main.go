package testsite

import "go.uber.org/goleak"

// VerifyTestMain runs the tests of a package and fails if they leave goroutines behind,
// other than those that fasthttp does not end.
func VerifyTestMain(m goleak.TestingM, options ...goleak.Option) {
	goleak.VerifyTestMain(m, append(options,
		// One per process: it updates the time for the header Date.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// One per fasthttp server: it checks only every ten seconds whether to end.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))...)
}
