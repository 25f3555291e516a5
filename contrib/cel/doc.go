// Package inngestcel checks the expressions of an inngestkit app as the Inngest server
// does, with the parser of the Common Expression Language:
//
//	func TestExpressions(t *testing.T) {
//		app, err := newApp()
//		require.NoError(t, err)
//		require.NoError(t, inngestcel.Check(app))
//	}
//
// App.Register sees mistakes in paths and in quotes. It leaves the rest to the server,
// which refuses the sync of all functions for a mistake in one, without its name, and takes
// mistakes in the keys of flow.Concurrency, flow.Throttle and flow.Singleton, which then do
// not hold.
package inngestcel
