package benchmarks

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// BenchmarkSizes builds small programs: a framework alone, with the SDK mounted by hand, and
// with our adapter. It reports the size of the binary without symbols, and the packages and
// modules that it links, without the standard library; for adapters also the requirements
// of the go.mod. A directory in testdata/sizes, named like the adapter, is a new row.
func BenchmarkSizes(b *testing.B) {
	programs, err := filepath.Glob("testdata/sizes/*/*")
	require.NoError(b, err)
	require.NotEmpty(b, programs)
	for _, program := range programs {
		framework, kind := filepath.Base(filepath.Dir(program)), filepath.Base(program)
		b.Run(framework+"/"+kind, func(b *testing.B) {
			binary := filepath.Join(b.TempDir(), "program")
			for b.Loop() {
				goCommand(b, "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "./"+program)
			}
			built, err := os.Stat(binary)
			require.NoError(b, err)
			packages, modules := linked(b, "./"+program)
			b.ReportMetric(0, "ns/op") // the time of builds depends on caches
			b.ReportMetric(float64(built.Size())/1e6, "MB")
			b.ReportMetric(float64(packages), "packages")
			b.ReportMetric(float64(modules), "modules")
			if kind == "adapter" {
				required := testsite.Requirements(b, filepath.Join("../../../adapters", framework))
				b.ReportMetric(float64(len(required)), "requires")
			}
		})
	}
}

// linked counts the packages and modules that a program links.
func linked(b *testing.B, program string) (packages, modules int) {
	b.Helper()
	counted := map[string]bool{}
	out := goCommand(b, "list", "-deps", "-f", "{{if not .Standard}}{{.Module.Path}}{{end}}", program)
	for module := range strings.FieldsSeq(string(out)) {
		if strings.HasSuffix(module, "/internal/conformance") {
			continue // the program itself
		}
		packages++
		counted[module] = true
	}
	return packages, len(counted)
}

func goCommand(b *testing.B, args ...string) []byte {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), "go", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(b, err, stderr.String())
	return out
}
