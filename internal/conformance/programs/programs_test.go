package programs

import (
	"go/format"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/adapters/lambda/lambdatest"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/snippets"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const repository = "../../.."

// Each complete program of the pages is a web server with the function shop-welcome. It is
// built and started, a request to its own route or an event starts a run, the run completes,
// and the program ends when it is interrupted.
func TestProgramsRun(t *testing.T) {
	t.Parallel()
	programs, err := snippets.Programs(repository)
	require.NoError(t, err)
	require.NotEmpty(t, programs)
	for _, program := range programs {
		t.Run(program.Page+":"+strconv.Itoa(program.Line), func(t *testing.T) {
			t.Parallel()
			formatted, err := format.Source([]byte(program.Code))
			require.NoError(t, err)
			require.Equal(t, string(formatted), program.Code, "the program is not formatted")

			server := devserver.New(t, devserver.Config{RetryInterval: time.Second})
			binary := build(t, program)
			if strings.Contains(program.Code, "lambda.Start(") {
				runOnLambda(t, binary, server)
			} else {
				runOnPort(t, binary, server)
			}
			runs, err := server.AwaitRunsOf(testsite.Within(t), "shop-welcome", 1)
			require.NoError(t, err)
			require.Equal(t, devserver.RunCompleted, runs[0].Status)
			require.JSONEq(t, `"sent to ada@example.com"`, string(runs[0].Output))
		})
	}
}

// build builds a program with the modules of the workspace.
func build(t *testing.T, program snippets.Block) (binary string) {
	t.Helper()
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	require.NoError(t, os.WriteFile(source, []byte(program.Code), 0o600))
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, source).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return binary
}

// runOnPort starts a web server, and sends the request that the pages show.
func runOnPort(t *testing.T, binary string, server *devserver.Server) {
	t.Helper()
	listener := testsite.Listen(t, "")
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	require.NoError(t, listener.Close()) // the program takes the port
	program := start(t, binary, "INNGEST_DEV="+server.URL(), "PORT="+port)
	t.Cleanup(func() {
		require.NoError(t, program.Process.Signal(os.Interrupt))
		require.NoError(t, program.Wait())
	})
	require.NoError(t, server.AwaitFunctions(testsite.Within(t), "shop-welcome"))
	require.Equal(t, http.StatusAccepted, do(t, http.MethodPost, "http://127.0.0.1:"+port+"/users", `{"email":"ada@example.com"}`))
}

// runOnLambda starts a Lambda function behind a gateway, and sends an event.
func runOnLambda(t *testing.T, binary string, server *devserver.Server) {
	t.Helper()
	runtime := lambdatest.NewRuntime()
	api := httptest.NewServer(runtime)
	t.Cleanup(api.Close)
	gateway := httptest.NewServer(&lambdatest.Gateway{Handler: runtime})
	t.Cleanup(gateway.Close)
	program := start(t, binary, "INNGEST_DEV="+server.URL(), "INNGEST_SERVE_HOST="+gateway.URL,
		"AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(api.URL, "http://"))
	t.Cleanup(func() { // as AWS ends a function
		require.NoError(t, program.Process.Kill())
		require.Error(t, program.Wait())
	})
	require.Equal(t, http.StatusOK, do(t, http.MethodPut, gateway.URL+"/api/inngest", ""))
	require.NoError(t, server.AwaitFunctions(testsite.Within(t), "shop-welcome"))
	_, err := server.Send(testsite.Within(t), "user.created", map[string]string{"email": "ada@example.com"})
	require.NoError(t, err)
}

// start starts a program with variables. If the test fails, its log has what the program
// prints.
func start(t *testing.T, binary string, env ...string) *exec.Cmd {
	t.Helper()
	var log testsite.Log
	program := exec.Command(binary) // without a context: the cleanup ends it in its own way
	program.Env, program.Stdout, program.Stderr = env, &log, &log
	require.NoError(t, program.Start())
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return program
}

// do sends a request with JSON and returns the status of the response.
func do(t *testing.T, method, url, body string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(testsite.Within(t), method, url, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}
