package hostile

import (
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	if framework := os.Getenv(childVariable); framework != "" {
		if err := serveUntilEOF(framework, os.Getenv(timeoutVariable)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	testsite.VerifyTestMain(m)
}

// timeout is the time for reading a request that docs/adapters.md recommends.
const timeout = 20 * time.Second

// within sets how long a server reads a request. docs/adapters.md recommends it for all
// frameworks but Echo v5, which has 30 s by itself.
func within(timeout time.Duration, server testsite.Server) testsite.Server {
	switch s := server.(type) {
	case *http.Server:
		s.ReadHeaderTimeout, s.ReadTimeout = timeout, timeout
	case testsite.Echo:
		s.Server.ReadHeaderTimeout, s.Server.ReadTimeout = timeout, timeout
	case *testsite.EchoV5Server:
		s.BeforeServe = func(server *http.Server) error {
			server.ReadHeaderTimeout, server.ReadTimeout = timeout, timeout
			return nil
		}
	case testsite.Fiber:
		s.Server().ReadTimeout = timeout
	case testsite.FiberV3:
		s.Server().ReadTimeout = timeout
	}
	return server
}
