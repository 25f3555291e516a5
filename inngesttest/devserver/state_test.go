package devserver

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sleeper returns a function that sleeps for a second in its first run, and the number of
// its calls.
func sleeper(event string) (f fakeFunction, calls *atomic.Int64) {
	calls = new(atomic.Int64)
	sleep := []map[string]any{{
		"op": "Sleep", "id": "nap", "name": "1s", "displayName": "nap", "opts": map[string]any{"duration": "1s"},
	}}
	return fakeFunction{trigger: onEvent(event), answer: func() (int, any) {
		if calls.Add(1) == 1 {
			return http.StatusPartialContent, sleep
		}
		return http.StatusOK, "awake"
	}}, calls
}

func portOf(t *testing.T, s *Server) int {
	t.Helper()
	u, err := url.Parse(s.URL())
	require.NoError(t, err)
	port, err := strconv.Atoi(u.Port())
	require.NoError(t, err)
	return port
}

// The database is kept: apps, functions, runs. The queue is not, whether the server is
// stopped or killed, so a run that sleeps is lost. No supported version stores its queue
// (NewService in pkg/devserver/devserver.go gets no options for snapshots). If one did, this
// test would fail, and docs/servers.md would have to change.
func TestStateDir(t *testing.T) {
	t.Parallel()
	keyed := Config{SigningKey: "signkey-test-0123456789abcdef", EventKey: "an-event-key"}
	for name, test := range map[string]struct {
		version string
		cfg     Config
		end     func(*Server) error
	}{
		"newest, dev, stopped":         {NewestVersion, Config{}, (*Server).Stop},
		"newest, dev, killed":          {NewestVersion, Config{}, (*Server).Kill},
		"newest, self-hosted, stopped": {NewestVersion, keyed, (*Server).Stop},
		"newest, self-hosted, killed":  {NewestVersion, keyed, (*Server).Kill},
		"oldest, self-hosted, stopped": {OldestVersion, keyed, (*Server).Stop},
		"oldest, self-hosted, killed":  {OldestVersion, keyed, (*Server).Kill},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, calls := sleeper("before")
			after, _ := sleeper("after")
			app := startFakeApp(t, map[string]fakeFunction{
				"done": {trigger: onEvent("done"), answer: always(200, "ok")}, "before": before, "after": after,
			})
			cfg := test.cfg
			cfg.Version, cfg.StateDir = test.version, filepath.Join(t.TempDir(), "state")
			s := app.serverFor(cfg)
			ctx := testContext(t)
			done, err := s.Send(ctx, "done", nil)
			require.NoError(t, err)
			_, err = s.AwaitRuns(ctx, done, 1)
			require.NoError(t, err)
			asleep, err := s.Send(ctx, "before", nil)
			require.NoError(t, err)
			require.NoError(t, s.poll(ctx, func() (bool, error) {
				runs, err := s.Runs(ctx, asleep)
				return len(runs) == 1 && calls.Load() == 1, err
			}))
			require.NoError(t, test.end(s))
			require.NoDirExists(t, s.state)

			cfg.Port = portOf(t, s)
			s = New(t, cfg)
			functions, err := s.Functions(ctx)
			require.NoError(t, err)
			require.Len(t, functions, 3, "the app has not registered again")
			runs, err := s.Runs(ctx, done)
			require.NoError(t, err)
			require.Len(t, runs, 1)
			require.JSONEq(t, `"ok"`, string(runs[0].Output))

			// A run that begins to sleep now wakes later than the other one would have.
			later, err := s.Send(ctx, "after", nil)
			require.NoError(t, err)
			runs, err = s.AwaitRuns(ctx, later, 1)
			require.NoError(t, err)
			require.JSONEq(t, `"awake"`, string(runs[0].Output))
			runs, err = s.Runs(ctx, asleep)
			require.NoError(t, err)
			require.Len(t, runs, 1)
			require.Equal(t, RunRunning, runs[0].Status)
			require.EqualValues(t, 1, calls.Load())
		})
	}
}

// A directory belongs to one running server at a time.
func TestStateDirIsLocked(t *testing.T) {
	t.Parallel()
	cfg := Config{Version: NewestVersion, StateDir: t.TempDir()}
	first := New(t, cfg)
	_, err := Start(t.Context(), cfg)
	require.ErrorContains(t, err, "another running server uses Config.StateDir "+cfg.StateDir)
	require.NoError(t, first.Do(testContext(t), http.MethodGet, "/health", nil, nil))
	require.NoError(t, first.Kill())
	New(t, cfg)
}

// A server that does not start frees the directory and leaves nothing else behind.
func TestStateDirAfterAFailedStart(t *testing.T) {
	t.Parallel()
	cfg := Config{Version: NewestVersion, StateDir: t.TempDir(), Args: []string{"--no-such-flag"}}
	_, err := Start(t.Context(), cfg)
	require.ErrorContains(t, err, "no-such-flag")
	cfg.Args = nil
	New(t, cfg)

	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	cfg.StateDir = file
	_, err = Start(t.Context(), cfg)
	require.ErrorContains(t, err, "creating Config.StateDir")
}

func TestStateDirNeedsAVersionThatKeepsState(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Config{Version: OldestVersion, StateDir: t.TempDir()})
	require.ErrorContains(t, err, "cannot keep its state in dev mode")
	require.ErrorContains(t, err, "Config.SigningKey")
}

// The self-hosted server waits for a call in progress, also longer than without StateDir.
// Kill ends the wait.
func TestKillEndsAStop(t *testing.T) {
	t.Parallel()
	called := make(chan struct{})
	busy := fakeFunction{trigger: onEvent("busy"), answer: func() (int, any) {
		close(called)
		<-t.Context().Done()
		return http.StatusOK, "late"
	}}
	app := startFakeApp(t, map[string]fakeFunction{"busy": busy})
	s := app.serverFor(Config{
		Version: NewestVersion, StateDir: t.TempDir(), SigningKey: "signkey-test-0123456789abcdef", EventKey: "an-event-key",
	})
	_, err := s.Send(testContext(t), "busy", nil)
	require.NoError(t, err)
	<-called
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop() }()
	select {
	case err := <-stopped:
		t.Fatalf("Stop has not waited for the call: %v", err)
	case <-time.After(2 * stopGrace):
	}
	require.NoError(t, s.Kill())
	require.NoError(t, <-stopped)
}
