package faults_test

import (
	"flag"
	"maps"
	"slices"
	"testing"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

var longForm = flag.Bool("faults.long", false, "run each case with every adapter")

// lambda has no process of its own to kill.
const lambda = "lambda"

// withAdapters runs a case with every adapter in the long form, and with one in the short
// form. The cases of the short form share the adapters.
func withAdapters(t *testing.T, short string, run func(t *testing.T, framework string)) {
	t.Helper()
	frameworks := []string{short}
	if *longForm {
		frameworks = slices.Sorted(maps.Keys(testsite.Frameworks))
	}
	for _, framework := range frameworks {
		if framework == lambda {
			continue
		}
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			run(t, framework)
		})
	}
}
