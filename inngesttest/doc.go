// Package inngesttest is the test kit of inngestkit.
//
// [NewServer] runs a real Inngest server for a test, and [StartServer] for
// everything else: each on a free port of 127.0.0.1, with state of its own that
// is gone when it stops. The server comes from the environment, from PATH, or
// is built once per machine; see [FindServer].
//
//	func TestWelcome(t *testing.T) {
//		server := inngesttest.NewServer(t, inngesttest.ServerConfig{AppURLs: []string{app.URL + "/api/inngest"}})
//		// … tell the app that server.URL() is its dev server …
//		require.NoError(t, server.AwaitFunctions(ctx, "shop-welcome"))
//		id, err := server.Send(ctx, "user.created", map[string]any{"userId": "1"})
//		require.NoError(t, err)
//		runs, err := server.AwaitRuns(ctx, id, 1)
//		require.NoError(t, err)
//		require.Equal(t, inngesttest.Completed, runs[0].Status)
//	}
//
// The server's API listens on loopback only. Its Connect gateway, and two ports
// that it needs for it, 50052 and 50053, it opens on all interfaces, and no
// setting of the pinned version changes that.
package inngesttest
