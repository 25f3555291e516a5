package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/inngesttest"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// The program starts itself as a worker, and so does the test.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "worker" {
		os.Exit(command(os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// config has the newest server: several of the oldest, in tests of other packages, would take
// each other's ports.
var config = devserver.Config{Version: devserver.NewestVersion, RetryInterval: time.Second}

// A function does not know how it is called, so its tests need no connection.
func TestTranscode(t *testing.T) {
	t.Parallel()
	e := inngesttest.Virtual(t)
	function := transcode(time.Millisecond)
	e.Register(function)
	run := inngesttest.Start(e, function, Video{Name: "video"}).Wait()
	require.Equal(t, "video.small", run.Output())
	require.Equal(t, 1, run.Step("transcode").Attempts)
}

// A worker that is stopped in the middle of its work finishes it. Each video is transcoded
// once.
func TestDrain(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, play(soon(t), &out, config, (*story).drain))
	t.Log(out.String())
	for video := range strings.FieldsSeq("video-1 video-2 video-3 video-4 video-5 video-6") {
		require.Equal(t, 1, count(out.String(), "transcoding", video), video)
		require.Equal(t, 1, count(out.String(), "transcoded", video), video)
	}
	stopped := regexp.MustCompile(`STORY: SIGTERM for a worker in the middle of its work" worker=(\w)`).FindStringSubmatch(out.String())
	require.NotNil(t, stopped)
	_, after, _ := strings.Cut(out.String(), "msg=draining worker="+stopped[1])
	finished := strings.Index(after, "msg=transcoded worker="+stopped[1])
	left := strings.Index(after, `msg="inngest: disconnected" worker=`+stopped[1])
	require.Positive(t, finished, "it finishes its work")
	require.Greater(t, left, finished, "and disconnects then")
	require.Equal(t, 3, strings.Count(out.String(), "complete=true"))
}

// soon returns a context that ends before the server would have the call of a lost worker
// executed again, which takes two minutes.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// count counts the lines with a message about a video.
func count(out, message, video string) int {
	return len(regexp.MustCompile(`msg=`+message+` worker=\w+ video=`+video+`\b`).FindAllString(out, -1))
}

// Workers do not see the variables that the shell has for other apps.
func TestOtherVariables(t *testing.T) {
	t.Setenv("INNGEST_BASE_URL", "http://127.0.0.1:1")
	var out bytes.Buffer
	require.NoError(t, play(soon(t), &out, config), out.String())
	require.Equal(t, 3, strings.Count(out.String(), "inngest: connected"))
}

// Workers reconnect to a server that was away.
func TestRestart(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, play(soon(t), &out, config, (*story).restart))
	t.Log(out.String())
	require.Contains(t, out.String(), "the workers have reconnected")
}

// A worker without a server is alive, not ready, and can be stopped.
func TestNoServer(t *testing.T) {
	nobody, err := freeAddress(t.Context())
	require.NoError(t, err)
	t.Setenv("INNGEST_DEV", "http://"+nobody)
	probe, err := freeAddress(t.Context())
	require.NoError(t, err)
	s := settings{Name: "alone", ProbeAddress: probe, DrainTimeout: 10 * time.Second}
	w, err := newWorker(s, slog.New(slog.NewTextHandler(t.Output(), nil)))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.run(ctx, s) }()
	require.NoError(t, poll(ctx, func() bool { return status(t, probe, "/livez") == http.StatusOK }))
	require.Equal(t, http.StatusServiceUnavailable, status(t, probe, "/readyz"))
	cancel()
	require.ErrorContains(t, <-ended, "never connected")
}

// status returns the status of a probe, 0 if nobody responds.
func status(t *testing.T, address, path string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
	require.NoError(t, err)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

// Ctrl-C stops everything.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, run(ctx, &bytes.Buffer{}), context.Canceled)
}

// Ctrl-C while the server restarts stops the workers as well.
func TestContextEndsDuringRestart(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(soon(t))
	interrupt := func(*story, context.Context) error {
		cancel()
		return nil
	}
	var out bytes.Buffer
	require.ErrorIs(t, play(ctx, &out, config, interrupt, (*story).restart), context.Canceled)
	require.Equal(t, 3, strings.Count(out.String(), "complete=true"))
}
