// Package devserver runs the real Inngest server, for tests and for programs.
//
// [New] runs a real Inngest server for a test, [Start] for any other
// program. Each server has a free port of 127.0.0.1 and its own state, which is
// deleted when it stops. [Find] finds the server in the environment or on PATH,
// or builds it once per machine.
//
//	func TestWelcome(t *testing.T) {
//		server := devserver.New(t, devserver.Config{AppURLs: []string{app.URL + "/api/inngest"}})
//		// … tell the app that server.URL() is its dev server …
//		require.NoError(t, server.AwaitFunctions(ctx, "shop-welcome"))
//		id, err := server.Send(ctx, "user.created", map[string]any{"userId": "1"})
//		require.NoError(t, err)
//		runs, err := server.AwaitRuns(ctx, id, 1)
//		require.NoError(t, err)
//		require.Equal(t, devserver.RunCompleted, runs[0].Status)
//	}
//
// Two versions of the server are supported and built, [OldestVersion] and
// [NewestVersion]; others are used with a warning. Their differences are in
// https://github.com/inngestkit/inngestkit/blob/main/docs/servers.md.
//
// The server's API listens on loopback only. The server opens the ports of Connect on
// all interfaces: the gateway's, and two internal ones, which are 50052 and 50053 for
// [OldestVersion] and free ports for newer servers.
package devserver
