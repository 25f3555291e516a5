package secrets

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
)

func TestMain(m *testing.M) {
	app.Main()
	gin.SetMode(gin.ReleaseMode)
	testsite.VerifyTestMain(searched{m}, sdkTimer)
}

// sdkTimer is a goroutine of the SDK that checks five seconds after each reply whether it was
// acknowledged. Nothing ends it earlier.
var sdkTimer = goleak.IgnoreTopFunction("github.com/inngest/inngestgo/connect.(*messageBuffer).addPending.func1")

// searched runs the tests, and then searches what they have written to standard error and to
// the default loggers.
type searched struct{ *testing.M }

// Run implements goleak.TestingM.
func (s searched) Run() int {
	file, err := os.CreateTemp("", "secrets-stderr-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	stderr := os.Stderr
	os.Stderr = file
	log.SetOutput(file)
	slog.SetDefault(slog.New(slog.NewTextHandler(file, &slog.HandlerOptions{Level: slog.LevelDebug})))
	code := s.M.Run()
	os.Stderr = stderr
	written, err := os.ReadFile(file.Name())
	if err != nil {
		panic(err)
	}
	_, _ = io.Copy(stderr, strings.NewReader(string(written)))
	if found := finder.Find(string(written)); len(found) > 0 && code == 0 {
		fmt.Fprintf(stderr, "a secret is in the text above: %s\n", strings.Join(found, ", "))
		code = 1
	}
	return code
}
