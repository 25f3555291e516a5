package deploy

import (
	"os"
	"testing"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// programDir is where the program and its sources are, "" before they are there.
var programDir string

func TestMain(m *testing.M) { testsite.VerifyTestMain(cleaned{m}) }

// cleaned removes the program after the tests.
type cleaned struct{ m *testing.M }

// Run implements goleak.TestingM.
func (c cleaned) Run() int {
	defer func() { _ = os.RemoveAll(programDir) }() // what is left is in the temporary directory
	return c.m.Run()
}
