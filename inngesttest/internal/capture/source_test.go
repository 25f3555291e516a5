package capture

import (
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const wrongHandler = `
func handle(ctx context.Context, in Input) (int, error) {
	total := 0
	_, err := step.Run(ctx, "charge", func(ctx context.Context) (any, error) { total = 5; return nil, nil })
	return total, err
}
`

// Without the source, Check returns ErrNoSource.
func TestNoSource(t *testing.T) {
	t.Parallel()
	_, _, err := Check(1)
	require.ErrorIs(t, err, ErrNoSource)
	for _, file := range []string{
		filepath.Join(t.TempDir(), "gone.go"),
		filepath.Join(snippet(t, map[string]string{"other.go": wrongHandler}), "gone.go"),
		filepath.Join(snippet(t, map[string]string{"order.go": "package p\n\nfunc {"}), "order.go"),
	} {
		require.ErrorIs(t, checkAt(location{name: "p.handle", file: file, line: 7}).err, ErrNoSource, file)
	}
}

// A program that is built with -trimpath does not know where its source is. The test trims
// only the paths of the program, because -trimpath compiles the standard library again.
func TestTrimpath(t *testing.T) {
	t.Parallel()
	dir, err := filepath.Abs("testdata")
	require.NoError(t, err)
	for flags, want := range map[string]string{"-trimpath=" + dir + "=>example.com": "no source", "": "1 finding"} {
		out, err := exec.CommandContext(t.Context(), "go", "run", "-gcflags="+flags, "./testdata/trimmed").CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), want)
	}
}

// Files for other platforms, files that need tags, and files that do not parse are no obstacle.
func TestOtherFiles(t *testing.T) {
	t.Parallel()
	dir := snippet(t, map[string]string{
		"order.go":         "//go:build special\n\n" + prelude + wrongHandler + "func other() { helper() }\n",
		"helper_darwin.go": "package p\n\nfunc helper() {}\n",
		"helper_linux.go":  prelude + strings.Replace(wrongHandler, "handle(", "helper(", 1),
		"broken.go":        "package p\n\nfunc {",
		"external_test.go": "package p_test\n\nfunc handle() {}\n",
		"assembly.go":      "package p\n\nfunc add(a, b int) int\nfunc () noReceiver() {}\n",
	})
	r := checkAt(location{name: "p.handle", file: filepath.Join(dir, "order.go"), line: 9})
	require.NoError(t, r.err)
	require.Len(t, r.findings, 1)
	require.Empty(t, checkAt(location{name: "p.other", file: filepath.Join(dir, "order.go"), line: 14}).findings)
}

// Of several literals on a line, the handler is the one that looks like a handler. If several
// do, Check is silent.
func TestSameLine(t *testing.T) {
	t.Parallel()
	const inner = `func(ctx context.Context, in Input) (int, error) {
		total := 0
		_, err := step.Run(ctx, "charge", func(ctx context.Context) (any, error) { total = 5; return nil, nil })
		return total, err
	}`
	for _, test := range []struct {
		declaration string
		findings    int
	}{
		{"func f(ctx context.Context, in Input) (int, error) { total := 0; " +
			"_ = func(ctx context.Context, in Input) (int, error) { return 0, nil }\n" +
			"step.Run(ctx, \"a\", func(ctx context.Context) (any, error) { total = 5; return nil, nil })\nreturn total, nil }", 1},
		{"func f() { g(func() any { return " + inner + "}) }", 1},
		{"func f() { g(" + inner + ", func(ctx context.Context, in Input) (int, error) { return 0, nil }) }", 1},
		{"func f() { g(func(ctx context.Context, in Input) (int, error) { return 0, nil }, " + inner + ") }", 0},
	} {
		dir := snippet(t, map[string]string{"order.go": test.declaration})
		name := "p.f.func1"
		if strings.HasPrefix(test.declaration, "func f(ctx") {
			name = "p.f"
		}
		r := checkAt(location{name: name, file: filepath.Join(dir, "order.go"), line: 6})
		require.NoError(t, r.err)
		require.Len(t, r.findings, test.findings, test.declaration)
	}
}

type outer interface{ Error() string }

// The functions that the compiler adds for method values are found by the name of the method.
func TestLocate(t *testing.T) {
	t.Parallel()
	at, err := locate(reflect.ValueOf((&checker{}).followCalls).Pointer())
	require.NoError(t, err)
	require.Equal(t, []string{"checker", "followCalls"}, []string{at.receiver, at.method})
	require.Equal(t, ".go", filepath.Ext(at.file))

	var err2 outer = ErrNoSource
	_, _, err = Check(reflect.ValueOf(err2.Error).Pointer())
	require.NoError(t, err, "a method of an interface has no source, and nothing to find")

	at, err = locate(reflect.ValueOf(TestLocate).Pointer())
	require.NoError(t, err)
	require.Equal(t, "source_test.go", filepath.Base(at.file))
}

// Calls are followed five deep, through functions, instances of generic ones and methods, and
// through files that do not import a step package.
func TestDepth(t *testing.T) {
	t.Parallel()
	dir := snippet(t, map[string]string{
		"calls.go": `package p

func f0(ctx context.Context) (int, error) { return f1(ctx) }
func f1(ctx context.Context) (int, error) { return f2[int](ctx) }
func f2[T any](ctx context.Context) (int, error) { return f3(ctx) }
func (s *service) f4(ctx context.Context) (int, error) { return s.f5(ctx) }
`,
		"service.go": `
type service struct{}
func f3(ctx context.Context) (int, error) { s := &service{}; return s.f4(ctx) }
func (s *service) f5(ctx context.Context) (int, error) { return f6(ctx) }
` + strings.Replace(wrongHandler, "handle(ctx context.Context, in Input)", "f6(ctx context.Context)", 1),
	})
	calls, service := filepath.Join(dir, "calls.go"), filepath.Join(dir, "service.go")
	for i, findings := range []int{0, 1, 1} {
		r := checkAt(location{name: "p.f" + strconv.Itoa(i), file: calls, line: 3 + i})
		require.Len(t, r.findings, findings, "%d calls", 6-i)
	}
	require.Len(t, checkAt(location{name: "p.f3", file: service, line: 8}).findings, 1)
	require.Len(t, checkAt(location{receiver: "service", method: "f4", file: calls}).findings, 1)
}
