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
//		require.Equal(t, inngesttest.RunCompleted, runs[0].Status)
//	}
//
// Two versions of the server are supported and built, [OldestVersion] and
// [NewestVersion]; others are taken with a warning. What differs between them is in
// https://github.com/inngestkit/inngestkit/blob/main/docs/servers.md.
//
// The server's API listens on loopback only. The ports of Connect it opens on all
// interfaces: the gateway's, and two that its parts talk to each other on, which are
// 50052 and 50053 for [OldestVersion] and free ones for newer servers.
package inngesttest
