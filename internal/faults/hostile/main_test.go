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
		if err := serveUntilEOF(framework); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	testsite.VerifyTestMain(m)
}

// readTimeout replaces the 20 s that docs/adapters.md recommends, so that tests are short.
const readTimeout = 2 * time.Second

// recommended sets the timeouts that docs/adapters.md recommends.
func recommended(server testsite.Server) testsite.Server {
	switch s := server.(type) {
	case *http.Server:
		s.ReadHeaderTimeout, s.ReadTimeout = readTimeout, readTimeout
	case testsite.Echo:
		s.Server.ReadHeaderTimeout, s.Server.ReadTimeout = readTimeout, readTimeout
	case testsite.Fiber:
		s.Server().ReadTimeout = readTimeout
	case testsite.FiberV3:
		s.Server().ReadTimeout = readTimeout
	}
	return server // Echo v5 has timeouts of its own, of 30 s
}
