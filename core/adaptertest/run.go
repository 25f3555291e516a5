package adaptertest

import "testing"

// Run runs the suite. Each case is a subtest with servers of its own. The cases run in
// parallel, except the first, which counts the goroutines of the process: call Run from
// a test that is not parallel itself.
func Run(t *testing.T, a Adapter) {
	t.Helper()
	if a.Framework == "" || a.New == nil || a.StatusOf == nil {
		t.Fatal("adaptertest: an Adapter needs Framework, New and StatusOf")
	}
	t.Run("goroutines", func(t *testing.T) { goroutines(t, a) })
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, a)
		})
	}
}

var cases = []struct {
	name string
	run  func(t *testing.T, a Adapter)
}{
	{"methods", methods},
	{"paths", paths},
	{"trailing slash", trailingSlash},
	{"request", request},
	{"headers of requests", requestHeaders},
	{"headers of responses", responseHeaders},
	{"retained requests", retainedRequests},
	{"bodies", bodies},
	{"bodies over the limit", bodiesOverTheLimit},
	{"responses", responses},
	{"HTTP 1.0", http10},
	{"chunked bodies", chunkedBodies},
	{"framing", framing},
	{"slow bodies", slowBodies},
	{"bodies cut off", bodiesCutOff},
	{"expect", expectContinue},
	{"strangers", strangers},
	{"gzip", compressed},
	{"keep-alive", keepAlive},
	{"pipelined", pipelined},
	{"concurrent calls", concurrentCalls},
	{"panics", panics},
	{"panicking callbacks", panickingCallbacks},
	{"ended goroutines", endedGoroutines},
	{"hang-ups", hangUps},
	{"shutdown", shutdown},
	{"shutdown of the server first", shutdownServerFirst},
	{"values", values},
	{"retained values", retainedValues},
	{"groups", groups},
	{"root", root},
	{"several apps", severalApps},
	{"routes of plugins", pluginRoutes},
	{"proxy", proxy},
	{"TLS", overTLS},
	{"from", from},
	{"send", send},
}
