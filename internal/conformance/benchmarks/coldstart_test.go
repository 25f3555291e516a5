package benchmarks

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/adapters/lambda/lambdatest"
)

// BenchmarkColdStart measures the time from the start of a Lambda function to its first
// response, which is to a call of the function hello through an HTTP API. It alternates
// between the programs, and reports their sizes. On AWS, the download of the program and the
// start of the sandbox come first.
func BenchmarkColdStart(b *testing.B) {
	dir := b.TempDir()
	names := []string{"plain", "sdk", "ours"}
	calls := make([]func(), len(names))
	sizes := map[string]float64{}
	for i, name := range names {
		program := filepath.Join(dir, name)
		sizes["MB/"+name] = buildLambda(b, name, program)
		sizes["MB-with-norpc/"+name] = buildLambda(b, name, program, "-tags", "lambda.norpc")
		calls[i] = func() { coldStart(b, program) }
		calls[i]() // reads the file
	}
	inTurn(b, names, calls)
	for unit, size := range sizes {
		b.ReportMetric(size, unit)
	}
}

// buildLambda builds a program without debug information and returns its size in MB.
func buildLambda(b *testing.B, name, output string, flags ...string) float64 {
	b.Helper()
	args := append([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o", output}, flags...)
	built, err := exec.CommandContext(b.Context(), "go", append(args, "./testdata/lambda/"+name)...).CombinedOutput()
	require.NoError(b, err, "%s", built)
	info, err := os.Stat(output)
	require.NoError(b, err)
	return float64(info.Size()) / 1e6
}

// coldStart starts a program, and returns after its first response.
func coldStart(b *testing.B, program string) {
	b.Helper()
	runtime := lambdatest.NewRuntime()
	server := httptest.NewServer(runtime)
	child := exec.CommandContext(b.Context(), program)
	child.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + server.Listener.Addr().String(), "INNGEST_DEV=1"}
	require.NoError(b, child.Start())
	b.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait() // it was killed
		server.CloseClientConnections()
		server.Close()
	})
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	response, err := runtime.Invoke(ctx, []byte(coldStartEvent))
	require.NoError(b, err)
	require.Contains(b, string(response), `"statusCode":200`)
	require.Contains(b, string(response), "hello")
}

// coldStartEvent is a call of the function hello in payload format 2.0.
const coldStartEvent = `{"version":"2.0","routeKey":"$default","rawPath":"/api/inngest","rawQueryString":"fnId=app-hello&stepId=step",
"headers":{"content-type":"application/json","host":"a.execute-api.us-east-2.amazonaws.com","x-forwarded-proto":"https"},
"requestContext":{"accountId":"1","apiId":"a","domainName":"a.execute-api.us-east-2.amazonaws.com","stage":"$default",
"http":{"method":"POST","path":"/api/inngest","protocol":"HTTP/1.1"}},
"body":"{\"event\":{\"name\":\"hello\",\"data\":{}},\"events\":[{\"name\":\"hello\",\"data\":{}}],\"steps\":{},\"ctx\":{\"run_id\":\"1\"}}"}`
