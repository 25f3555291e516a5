package benchmarks

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	fiberv3 "github.com/gofiber/fiber/v3"
	adaptorv3 "github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/inngest/inngestgo"
	"github.com/labstack/echo/v4"
	echov5 "github.com/labstack/echo/v5"
	"github.com/stretchr/testify/require"

	inngestecho "github.com/inngestkit/inngestkit/adapters/echo"
	inngestechov5 "github.com/inngestkit/inngestkit/adapters/echov5"
	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	inngestfiberv3 "github.com/inngestkit/inngestkit/adapters/fiberv3"
	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Each server is its own process, this test binary started again. So the garbage of one does not
// slow down another. The SDK behind Fiber's adaptor leaves a goroutine behind with every call and
// cannot be shut down; it ends with its process.

// serverVariable names the server that a process should be.
const serverVariable = "INNGESTKIT_BENCHMARK_SERVER"

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	if name := os.Getenv(serverVariable); name != "" {
		if err := serveUntilEOF(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serveUntilEOF serves the named server, prints its address to standard output, and stops when
// standard input ends.
func serveUntilEOF(name string) error {
	by, framework, _ := strings.Cut(name, "/")
	serve := servers[framework][by]
	if serve == nil {
		return errors.New("unknown server " + name)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- serve(listener) }()
	ended := make(chan error, 1)
	go func() { ended <- answerQuestions() }()
	if _, err := fmt.Fprintln(os.Stdout, listener.Addr()); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	case err := <-ended:
		return err
	}
}

// startServer starts the process and returns its address.
func startServer(b *testing.B, name string) string {
	b.Helper()
	return startProcess(b, name).address
}

// process is a server's process.
type process struct {
	address string

	in  io.Writer
	out *bufio.Reader
}

func startProcess(b *testing.B, name string) *process {
	b.Helper()
	executable, err := os.Executable()
	require.NoError(b, err)
	cmd := exec.Command(executable)
	cmd.Env = append(os.Environ(), serverVariable+"="+name)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(b, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		require.NoError(b, stdin.Close())
		require.NoError(b, cmd.Wait())
	})
	out := bufio.NewReader(stdout)
	address, err := out.ReadString('\n')
	require.NoError(b, err)
	return &process{strings.TrimSpace(address), stdin, out}
}

const (
	bySDK = "sdk"
	byUs  = "ours"
	path  = "/api/inngest"
)

var frameworks = []string{"nethttp", "gin", "echo", "echov5", "fiber", "fiberv3"}

// servers has, for each framework, the SDK as people mount it by hand, and our adapter.
var servers = map[string]map[string]func(net.Listener) error{
	"nethttp": {
		bySDK: func(l net.Listener) error {
			mux := http.NewServeMux()
			mux.Handle(path, benchClient().Serve())
			return http.Serve(l, mux)
		},
		byUs: func(l net.Listener) error {
			mux := http.NewServeMux()
			inngesthttp.Mount(mux, benchApp())
			return http.Serve(l, mux)
		},
	},
	"gin": {
		bySDK: func(l net.Listener) error {
			r := gin.New()
			r.Any(path, gin.WrapH(benchClient().Serve()))
			return r.RunListener(l)
		},
		byUs: func(l net.Listener) error {
			r := gin.New()
			inngestgin.Mount(r, benchApp())
			return r.RunListener(l)
		},
	},
	"echo": {
		bySDK: func(l net.Listener) error {
			e := newEcho(l)
			e.Any(path, echo.WrapHandler(benchClient().Serve()))
			return e.Start("")
		},
		byUs: func(l net.Listener) error {
			e := newEcho(l)
			inngestecho.Mount(e, benchApp())
			return e.Start("")
		},
	},
	"echov5": {
		bySDK: func(l net.Listener) error {
			e := echov5.New()
			e.Any(path, echov5.WrapHandler(benchClient().Serve()))
			return startEchoV5(e, l)
		},
		byUs: func(l net.Listener) error {
			e := echov5.New()
			inngestechov5.Mount(e, benchApp())
			return startEchoV5(e, l)
		},
	},
	// Unlike in docs/adapters.md: bodies are read before the app sees them.
	"fiber-buffering": {
		byUs: func(l net.Listener) error {
			f := fiber.New(fiber.Config{DisableStartupMessage: true, BodyLimit: inngestkit.DefaultMaxBodyBytes})
			inngestfiber.Mount(f, benchApp())
			return f.Listener(l)
		},
	},
	"fiber": {
		bySDK: func(l net.Listener) error {
			f := newFiber()
			f.All(path, adaptor.HTTPHandler(benchClient().Serve()))
			return f.Listener(l)
		},
		byUs: func(l net.Listener) error {
			f := newFiber()
			inngestfiber.Mount(f, benchApp())
			return f.Listener(l)
		},
	},
	"fiberv3": {
		bySDK: func(l net.Listener) error {
			f := newFiberV3()
			f.All(path, adaptorv3.HTTPHandler(benchClient().Serve()))
			return f.Listener(l, quiet)
		},
		byUs: func(l net.Listener) error {
			f := newFiberV3()
			inngestfiberv3.Mount(f, benchApp())
			return f.Listener(l, quiet)
		},
	},
}

var quiet = fiberv3.ListenConfig{DisableStartupMessage: true}

func newEcho(l net.Listener) *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort, e.Listener = true, true, l
	return e
}

func startEchoV5(e *echov5.Echo, l net.Listener) error {
	return echov5.StartConfig{Listener: l, HideBanner: true, HidePort: true}.Start(context.Background(), e)
}

func newFiber() *fiber.App {
	return fiber.New(fiber.Config{DisableStartupMessage: true, StreamRequestBody: true, BodyLimit: inngestkit.DefaultMaxBodyBytes})
}

func newFiberV3() *fiberv3.App {
	return fiberv3.New(fiberv3.Config{StreamRequestBody: true, BodyLimit: inngestkit.DefaultMaxBodyBytes})
}

func benchClient() inngestgo.Client {
	client, err := newClient(1, done)
	if err != nil {
		panic(err)
	}
	return client
}

func benchApp() *inngestkit.App {
	app, err := newApp(1, done)
	if err != nil {
		panic(err)
	}
	return app
}
