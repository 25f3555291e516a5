// Package inngestcel checks the expressions of an inngestkit app as the Inngest server
// does, with the parser of the Common Expression Language (CEL):
//
//	func TestExpressions(t *testing.T) {
//		app, err := newApp()
//		require.NoError(t, err)
//		require.NoError(t, inngestcel.Check(app))
//	}
//
// App.Register finds mistakes in paths and quotes only. The server finds the others,
// but late: one mistake makes it refuse the sync of all functions, without naming the
// function. And it accepts mistakes in the keys of flow.Concurrency, flow.Throttle and
// flow.Singleton, which then have no effect.
package inngestcel
