package capture

import (
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/internal/capture/testdata/right"
)

// handlersIn returns the locations of the handlers in a directory, and how many lines it has.
func handlersIn(tb testing.TB, dir string) (handlers []location, lines int) {
	tb.Helper()
	dir, err := filepath.Abs(dir)
	require.NoError(tb, err)
	packages, err := loadAll(dir)
	require.NoError(tb, err)
	for _, p := range packages {
		p.eachFunction(func(fn function) {
			if fn.looksLikeHandler() {
				at := p.fset.Position(fn.node.Pos())
				handlers = append(handlers, location{name: "f.func1", file: at.Filename, line: at.Line})
			}
		})
		for _, file := range p.files {
			lines += p.fset.File(file.FileStart).LineCount()
		}
	}
	require.NotEmpty(tb, handlers)
	return handlers, lines
}

// BenchmarkFirst checks the first function of a large package.
func BenchmarkFirst(b *testing.B) {
	handlers, lines := handlersIn(b, "../../../internal/conformance")
	b.ReportMetric(float64(lines), "lines")
	for b.Loop() {
		directories.Clear()
		checkAt(handlers[0])
	}
}

// BenchmarkNext checks another function of the same package each time.
func BenchmarkNext(b *testing.B) {
	handlers, _ := handlersIn(b, "../../../internal/conformance")
	i := 0
	for b.Loop() {
		checkAt(handlers[i%len(handlers)])
		i++
	}
}

// BenchmarkAgain checks the same function again.
func BenchmarkAgain(b *testing.B) {
	pc := reflect.ValueOf(right.Functions[0]).Pointer()
	for b.Loop() {
		_, _, _ = Check(pc)
	}
}

// BenchmarkMethodValue finds the source of a method value, whose code names no file.
func BenchmarkMethodValue(b *testing.B) {
	for _, fn := range right.Functions {
		pc := reflect.ValueOf(fn).Pointer()
		if at, _ := locate(pc); at.method != "" {
			b.ResetTimer()
			for b.Loop() {
				_, _ = locate(pc)
			}
			return
		}
	}
}
