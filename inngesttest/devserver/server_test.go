package devserver

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestServerLifeCycle(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	// Not testContext, because the server may have to be built first.
	s, err := Start(t.Context(), Config{Log: &log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	require.True(t, strings.HasPrefix(s.URL(), "http://127.0.0.1:"), s.URL())
	require.NoError(t, s.Do(testContext(t), http.MethodGet, "/health", nil, nil))
	require.DirExists(t, s.state)
	require.NotEmpty(t, s.Binary().Source)
	id, err := s.Send(testContext(t), "demo/event", map[string]any{"n": 1})
	require.NoError(t, err)
	require.NotEmpty(t, id)
	select {
	case <-s.Done():
		t.Fatal("it is running")
	default:
	}

	pid := s.proc.cmd.Process.Pid
	require.NoError(t, s.Stop())
	<-s.Done()
	requireGone(t, pid)
	require.NoDirExists(t, s.state)
	require.Contains(t, s.Logs(), "demo/event")
	// If a port was taken, Config.Log has the attempts before, too.
	require.True(t, strings.HasSuffix(log.String(), s.Logs()), "short logs are kept whole")
	require.NoError(t, s.Stop(), "a second stop does nothing")
	require.Error(t, s.Do(testContext(t), http.MethodGet, "/health", nil, nil))
}

func TestStopFromSeveralGoroutines(t *testing.T) {
	t.Parallel()
	s := New(t, Config{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
			if !s.ended() {
				t.Error("Stop returned before the end")
			}
		})
	}
	wg.Wait()
}

func TestTwoServersAtOnce(t *testing.T) {
	t.Parallel()
	appOne := startFakeApp(t, map[string]fakeFunction{"f": {trigger: onEvent("x"), answer: always(200, "one")}})
	appTwo := startFakeApp(t, map[string]fakeFunction{"f": {trigger: onEvent("x"), answer: always(200, "two")}})
	one, two := appOne.serverFor(Config{}), appTwo.serverFor(Config{})
	require.NotEqual(t, one.URL(), two.URL())
	ctx := testContext(t)
	for s, want := range map[*Server]string{one: `"one"`, two: `"two"`} {
		id, err := s.Send(ctx, "x", nil)
		require.NoError(t, err)
		runs, err := s.AwaitRuns(ctx, id, 1)
		require.NoError(t, err)
		require.Len(t, runs, 1)
		require.JSONEq(t, want, string(runs[0].Output))
	}
	// One continues when the other has ended.
	require.NoError(t, one.Stop())
	require.NoError(t, two.Do(ctx, http.MethodGet, "/health", nil, nil))
}

func TestSelfHosted(t *testing.T) {
	t.Parallel()
	const signingKey, eventKey = "signkey-test-0123456789abcdef", "an-event-key"
	app := startFakeApp(t, map[string]fakeFunction{"f": {trigger: onEvent("x"), answer: always(200, "ok")}})
	var log bytes.Buffer
	s := app.serverFor(Config{SigningKey: signingKey, EventKey: eventKey, Log: &log})
	ctx := testContext(t)
	id, err := s.Send(ctx, "x", nil)
	require.NoError(t, err)
	// The server's call is signed.
	require.Eventually(t, func() bool {
		select {
		case signature := <-app.signatures:
			return strings.HasPrefix(signature, "t=") && strings.Contains(signature, "&s=")
		default:
			return false
		}
	}, 20*time.Second, pollEvery)
	runs, err := s.Runs(ctx, id)
	require.NoError(t, err)
	require.Len(t, runs, 1)

	// Without the keys, the API denies access.
	stranger := &Server{cfg: new(Config), ports: s.ports, proc: s.proc, log: s.log, http: s.http}
	var status *StatusError
	_, err = stranger.Runs(ctx, id)
	require.ErrorAs(t, err, &status)
	require.Equal(t, http.StatusUnauthorized, status.Status)
	_, err = stranger.Send(ctx, "x", nil)
	require.ErrorAs(t, err, &status)
	require.Equal(t, http.StatusUnauthorized, status.Status)

	pid := s.proc.cmd.Process.Pid
	start := time.Now()
	require.NoError(t, s.Stop())
	require.Less(t, time.Since(start), 10*time.Second, "left to itself it takes 30 s")
	requireGone(t, pid)
	require.NoDirExists(t, s.state)
	_, err = s.Send(ctx, "x", nil)
	require.Error(t, err)
	for _, text := range []string{s.Logs(), log.String(), err.Error()} {
		require.NotContains(t, text, "0123456789abcdef")
		require.NotContains(t, text, eventKey)
	}
}

func TestFixedPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	_, err = Start(t.Context(), Config{Port: port})
	require.ErrorContains(t, err, "Config.Port ")
	require.ErrorContains(t, err, l.Addr().String())

	require.NoError(t, l.Close())
	s, err := Start(t.Context(), Config{Port: port})
	if err != nil {
		// Another process has taken the port in the meantime.
		require.ErrorContains(t, err, "port")
		return
	}
	defer func() { require.NoError(t, s.Stop()) }()
	require.Equal(t, "http://"+l.Addr().String(), s.URL())
}

// Settings for other servers, in the environment or in nearby files, must not affect ours.
func TestServerIgnoresTheSurroundings(t *testing.T) {
	binary, err := Find(t.Context(), os.Stderr)
	require.NoError(t, err)
	t.Setenv("INNGEST_SDK_URL", "http://127.0.0.1:1/not-ours")
	t.Setenv("INNGEST_PORT", "1")
	t.Setenv("INNGEST_NO_DISCOVERY", "no-boolean")
	t.Setenv("DEBUG", "1") // makes the server listen on one more, fixed port
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/inngest.json", []byte(`{"sdk-url": ["http://127.0.0.1:2/not-ours"]}`), 0o600))
	t.Setenv("TMPDIR", dir) // the parent of the server's directory
	s := New(t, Config{Binary: binary.Path})
	apps, err := s.Apps(testContext(t))
	require.NoError(t, err)
	require.Empty(t, apps)
	require.NotContains(t, s.Logs(), "debug api")
}

// Another process that took our port first must not be mistaken for our server.
func TestIdentify(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
		ours   bool
	}{
		"ours":                       {http.StatusOK, `{"startOpts": {"connectGatewayPort": 2222}}`, true},
		"a server with no such page": {http.StatusNotFound, "", true},
		"another server":             {http.StatusOK, `{"startOpts": {"connectGatewayPort": 1111}}`, false},
		"a program with other JSON":  {http.StatusOK, `{"status": "ok"}`, false},
		"a program without JSON":     {http.StatusOK, "ok", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			}))
			t.Cleanup(found.Close)
			s := &Server{
				cfg: new(Config), ports: ports{api: found.Listener.Addr().(*net.TCPAddr).Port, gateway: 2222},
				proc: &process{done: make(chan struct{})}, log: newTailBuffer(1), http: found.Client(),
			}
			if err := s.identify(t.Context()); tc.ours {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, errPortTaken)
			}
		})
	}
}

func TestNewServerFailsTheTest(t *testing.T) {
	t.Parallel()
	tb := &recordingTB{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		New(tb, Config{Binary: t.TempDir()})
	}()
	<-done
	require.Contains(t, tb.fatal, "Config.Binary")
	require.False(t, tb.skipped)
}

func TestServerConfigIsChecked(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]Config{
		"Port is -1":             {Port: -1},
		"Tick is 1ns":            {Tick: 1},
		"RetryInterval is -1s":   {RetryInterval: -time.Second},
		"Config.EventKey is emp": {SigningKey: "ab"},
		"must be an even number": {SigningKey: "signkey-test-not-hex-secret", EventKey: "key"},
		"must not contain":       {SigningKey: "ab", EventKey: "a,b"},
	} {
		_, err := Start(context.Background(), cfg)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestServerArguments(t *testing.T) {
	t.Parallel()
	cfg := Config{AppURLs: []string{"http://127.0.0.1:3000/api/inngest"}, RetryInterval: 1500 * time.Millisecond, Tick: 50 * time.Millisecond}
	line := strings.Join(cfg.args("dir", ports{api: 1, gateway: 2}), " ")
	require.True(t, strings.HasPrefix(line, "dev --no-discovery --no-poll "), line)
	require.Contains(t, line, "--host 127.0.0.1 --poll-interval 1 --port 1 --connect-gateway-port 2 --retry-interval 2 --tick 50")
	require.Contains(t, line, "--sdk-url http://localhost:3000/api/inngest")

	cfg = Config{PollInterval: 3 * time.Second, Args: []string{"--verbose"}}
	line = strings.Join(cfg.args("dir", ports{api: 1, gateway: 2}), " ")
	require.NotContains(t, line, "--no-poll")
	require.True(t, strings.HasSuffix(line, "--verbose"), line)
	require.Contains(t, line, "--poll-interval 3 ")

	cfg = Config{SigningKey: "signkey-prod-abcd", EventKey: "event-key"}
	line = strings.Join(cfg.args("dir", ports{api: 1, gateway: 2}), " ")
	require.True(t, strings.HasPrefix(line, "start --sqlite-dir dir "), line)
	require.NotContains(t, line, "abcd", "every user of the machine can read command lines")
	require.NotContains(t, line, "event-key")
	require.Contains(t, cfg.env("dir", "identity"), "INNGEST_SIGNING_KEY=abcd")
	require.Contains(t, cfg.env("dir", "identity"), "INNGEST_EVENT_KEY=event-key,identity")

	cfg.Env = []string{"POSTGRES=a-password"}
	s := &Server{cfg: &cfg}
	var inside any = struct{ server *Server }{s} // fmt reads the field, and calls no methods
	printed := fmt.Sprintf("%v %+v %#v %s %d %v %s %v %d", cfg, cfg, cfg, cfg, cfg, s, s, inside, inside) + fmt.Sprintf("%s", inside)
	require.Contains(t, printed, "SigningKey:(set) EventKey:(set)")
	require.Contains(t, printed, "Env:[POSTGRES]")
	for _, secret := range []string{"abcd", "event-key", "a-password"} {
		require.NotContains(t, printed, secret)
	}
}
