package faults_test

import (
	"testing"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
)

func TestMain(m *testing.M) {
	app.Main()
	testsite.VerifyTestMain(m)
}
