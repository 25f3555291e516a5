package lambdatest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/adapters/lambda/lambdatest"
)

// program fetches one invocation and reports its end, as a program does.
func program(t *testing.T, base, path, body string) (payload string, header http.Header, status int) {
	t.Helper()
	payload, header, _ = request(t, http.MethodGet, base+"/2018-06-01/runtime/invocation/next", "")
	id := header.Get("Lambda-Runtime-Aws-Request-Id")
	_, _, status = request(t, http.MethodPost, base+"/2018-06-01/runtime/invocation/"+id+path, body)
	_, _, unknown := request(t, http.MethodPost, base+"/2018-06-01/runtime/invocation/other"+path, body)
	require.Equal(t, http.StatusBadRequest, unknown)
	return payload, header, status
}

func request(t *testing.T, method, url, body string) (response string, header http.Header, status int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	read, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(read), resp.Header, resp.StatusCode
}

func TestRuntime(t *testing.T) {
	runtime := lambdatest.NewRuntime()
	server := httptest.NewServer(runtime)
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	for _, tc := range []struct{ path, body, response, err string }{
		{"/response", `{"a":1}`, `{"a":1}`, ""},
		{"/error", `{"errorMessage":"oh no","errorType":"errorString"}`, "", "errorString: oh no"},
		{"/error", "oops", "", "oops"},
	} {
		deadline := time.Now().Add(time.Minute)
		ctx, cancel := context.WithDeadline(t.Context(), deadline)
		type result struct{ response, err string }
		results := make(chan result, 1)
		go func() {
			response, err := runtime.Invoke(ctx, []byte("payload"))
			if err != nil {
				results <- result{"", err.Error()}
			} else {
				results <- result{string(response), ""}
			}
		}()
		payload, header, status := program(t, server.URL, tc.path, tc.body)
		require.Equal(t, "payload", payload)
		require.Equal(t, strconv.FormatInt(deadline.UnixMilli(), 10), header.Get("Lambda-Runtime-Deadline-Ms"))
		require.NotEmpty(t, header.Get("Lambda-Runtime-Invoked-Function-Arn"))
		require.Equal(t, http.StatusAccepted, status)
		require.Equal(t, result{tc.response, tc.err}, <-results)
		cancel()
	}
}

// Without a program, and with one that never responds, an invocation ends with its context.
func TestRuntimeWithoutResponse(t *testing.T) {
	runtime := lambdatest.NewRuntime()
	server := httptest.NewServer(runtime)
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := runtime.Invoke(ctx, nil)
	require.ErrorContains(t, err, "no program has fetched the invocation")

	ctx, cancel = context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := runtime.Invoke(ctx, nil)
		ended <- err
	}()
	request(t, http.MethodGet, server.URL+"/2018-06-01/runtime/invocation/next", "")
	cancel()
	require.ErrorContains(t, <-ended, "the program has not responded")
}
