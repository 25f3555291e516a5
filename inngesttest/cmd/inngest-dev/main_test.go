package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The command serves the dev server's API until it is interrupted.
func TestServesUntilItIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	port := freePort(t)
	var out output
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-port", port}, &out) }()

	url := "http://127.0.0.1:" + port
	require.Eventually(t, func() bool { return bytes.Contains(out.Bytes(), []byte("Start apps with INNGEST_DEV="+url)) },
		15*time.Minute, 50*time.Millisecond, "%s", &out)
	require.Contains(t, out.String(), "Ready at "+url)
	require.Equal(t, http.StatusOK, status(t, url+"/dev"))

	interrupt()
	require.NoError(t, <-ended)
	_, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", "127.0.0.1:"+port)
	require.Error(t, err)
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) }) // after the subtests
	taken := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"a port that is in use": {[]string{"-port", taken}, taken},
		"a port that is none":   {[]string{"-port", "70000"}, "Config.Port is 70000"},
		"an unknown flag":       {[]string{"-prot", "1"}, "-prot"},
		"an argument":           {[]string{"start"}, `unexpected arguments: ["start"]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, run(t.Context(), tc.args, &output{}), tc.want)
		})
	}
}

// output is a buffer for concurrent use.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) Bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.buf.Bytes())
}

func (o *output) String() string { return string(o.Bytes()) }

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

func status(t *testing.T, url string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}
