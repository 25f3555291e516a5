package inngestlambda_test

import (
	"context"
	"encoding/json"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/stretchr/testify/require"

	inngestlambda "github.com/inngestkit/inngestkit/adapters/lambda"
	"github.com/inngestkit/inngestkit/adapters/lambda/lambdatest"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// childVariable makes the test binary a Lambda program.
const childVariable = "INNGESTLAMBDA_CHILD"

// startInChild runs a Lambda program in a child process, and returns otherwise.
func startInChild() {
	if os.Getenv(childVariable) == "" {
		return
	}
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		log.Fatal(err)
	}
	err = app.Register(inngestkit.OnEvent("welcome", inngestkit.DefineEvent[struct{}]("shop/happened"),
		func(ctx context.Context, _ inngestkit.Input[struct{}]) (string, error) {
			return step.Run(ctx, "greet", func(context.Context) (string, error) { return "hello", nil })
		}))
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(inngestlambda.Handler(app))
}

// startProgram starts the program with one more environment variable, until the end of the test.
func startProgram(t *testing.T, variable string) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), childVariable+"=1", variable)
	child.Stdout, child.Stderr = t.Output(), t.Output()
	require.NoError(t, child.Start())
	t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait() // it was killed
	})
}

// calls returns each event of testdata with a call of the function in it.
func calls(t *testing.T) map[string][]byte {
	t.Helper()
	const body = `{"event":{"name":"shop/happened","data":{}},"ctx":{"run_id":"1"},"steps":{}}`
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	require.Len(t, files, 12)
	calls := map[string][]byte{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		calls[name] = changed(t, eventOf(t, name), map[string]any{"body": body, "isBase64Encoded": false})
	}
	return calls
}

// requireStep checks that the response has the result of the function's step.
func requireStep(t *testing.T, name string, encoded []byte) {
	t.Helper()
	var resp response
	require.NoError(t, json.Unmarshal(encoded, &resp), name)
	require.Equal(t, http.StatusPartialContent, resp.StatusCode, name)
	require.Contains(t, resp.Body, `"data":"hello"`, name)
}

// A program gets the events of all services from the Runtime API.
func TestRuntimeAPI(t *testing.T) {
	t.Parallel()
	runtime := lambdatest.NewRuntime()
	server := httptest.NewServer(runtime)
	t.Cleanup(server.Close) // after the program has ended, which waits for the next invocation
	startProgram(t, "AWS_LAMBDA_RUNTIME_API="+server.Listener.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for name, payload := range calls(t) {
		response, err := runtime.Invoke(ctx, payload)
		require.NoError(t, err, name)
		requireStep(t, name, response)
	}
	_, err := runtime.Invoke(ctx, eventOf(t, "other/sqs"))
	require.ErrorContains(t, err, "the payload is not an HTTP request")
	// The program goes on, also behind a gateway.
	w := httptest.NewRecorder()
	gateway := &lambdatest.Gateway{Handler: runtime}
	gateway.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/inngest", nil))
	require.Equal(t, http.StatusOK, w.Code)
}

// The same over net/rpc, which local tools and the runtime go1.x use.
func TestRPC(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "localhost:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	startProgram(t, "_LAMBDA_SERVER_PORT="+port)
	var client *rpc.Client
	require.Eventually(t, func() bool {
		client, err = rpc.Dial("tcp", address)
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	defer func() { require.NoError(t, client.Close()) }()
	for name, payload := range calls(t) {
		request := messages.InvokeRequest{Payload: payload}
		request.Deadline.Seconds = time.Now().Add(time.Minute).Unix()
		var response messages.InvokeResponse
		require.NoError(t, client.Call("Function.Invoke", request, &response), name)
		require.Nil(t, response.Error, name)
		requireStep(t, name, response.Payload)
	}
}
