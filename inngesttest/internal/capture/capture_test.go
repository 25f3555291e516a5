package capture

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/inngesttest/internal/capture/testdata/right"
	"github.com/inngestkit/inngestkit/inngesttest/internal/capture/testdata/wrong"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var marker = regexp.MustCompile(`// (changes|reads) (\S+)$`)

// marked returns what the comments of a file announce: the line and variable of each change,
// and the lines of the reads.
func marked(t *testing.T, path string) (changes []string, reads []int) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for i, line := range strings.Split(string(text), "\n") {
		if m := marker.FindStringSubmatch(line); m != nil && m[1] == "changes" {
			changes = append(changes, fmt.Sprint(i+1, " ", m[2]))
		} else if m != nil {
			reads = append(reads, i+1)
		}
	}
	return changes, reads
}

// texts returns the messages of findings.
func texts(findings []Finding) []string {
	all := make([]string, 0, len(findings))
	for _, f := range findings {
		all = append(all, f.Text)
	}
	return all
}

// Each captured variable is found, with the lines of the change and of the read.
func TestWrongFunctions(t *testing.T) {
	t.Parallel()
	findings, _, err := CheckSource("testdata/wrong")
	require.NoError(t, err)
	var changes []string
	var reads []int
	for _, f := range findings {
		changes = append(changes, fmt.Sprint(f.Line, " ", f.Variable))
		reads = append(reads, f.ReadLine)
	}
	slices.Sort(reads)
	wantChanges, wantReads := marked(t, "testdata/wrong/wrong.go")
	require.Equal(t, wantChanges, changes)
	require.Equal(t, wantReads, reads)
	require.GreaterOrEqual(t, len(findings), 30)
}

// Correct functions have no finding, not even those that look like wrong ones.
func TestRightFunctions(t *testing.T) {
	t.Parallel()
	findings, _, err := CheckSource("testdata/right")
	require.NoError(t, err)
	require.Empty(t, texts(findings))
	require.GreaterOrEqual(t, len(right.Functions), 25)
}

// Check finds functions by their code: literals, methods, method values, instances of generic
// functions, and what they call. It may be called at the same time.
func TestCheck(t *testing.T) {
	t.Parallel()
	var group sync.WaitGroup
	defer group.Wait()
	check := func(fn any, want int) {
		pc := reflect.ValueOf(fn).Pointer()
		findings, _, err := Check(pc)
		if name := runtime.FuncForPC(pc).Name(); err != nil || len(findings) != want {
			t.Errorf("%s: want %d findings, got %v, error %v", name, want, texts(findings), err)
		}
	}
	for range 2 {
		for _, fn := range wrong.Functions {
			group.Go(func() { check(fn, 1) })
		}
		for _, fn := range right.Functions {
			group.Go(func() { check(fn, 0) })
		}
	}
}

// A finding says where the variable is changed and read, why that fails, and what to do.
func TestText(t *testing.T) {
	t.Parallel()
	findings := checkSnippet(t, `
func handle(ctx context.Context, in Input) (int, error) {
	total := 0
	_, err := step.Run(
		ctx, "charge", func(ctx context.Context) (any, error) {
			total = 5
			return nil, nil
		})
	return total, err
}
`)
	require.Len(t, findings, 1)
	f := findings[0]
	require.Equal(t, `order.go:11: step "charge" changes total, which order.go:14 reads: when the run goes on, `+
		`the step's callback does not run again and total has its old value. Return the value from the step.`, f.Text)
	require.Equal(t, Finding{
		File: f.File, Line: 11, Column: 4, Variable: "total", StepLine: 9, ReadLine: 14, Text: f.Text,
	}, f)
	require.Equal(t, "order.go", filepath.Base(f.File))
}

// checkSnippet checks declarations as the file order.go of a package.
func checkSnippet(t *testing.T, declarations string) []Finding {
	t.Helper()
	findings, _, err := CheckSource(snippet(t, map[string]string{"order.go": declarations}))
	require.NoError(t, err)
	return findings
}

const prelude = `package p

import "context"
import "github.com/inngestkit/inngestkit/core/step"

`

// snippet returns a directory with files, which get the prelude unless they have a package
// clause.
func snippet(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if !strings.Contains(text, "package ") {
			text = prelude + text
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}
