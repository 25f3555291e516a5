package tracing

import (
	"testing"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

func TestMain(m *testing.M) {
	testsite.VerifyTestMain(m)
}
