package capture

import (
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
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
		"helper_linux.go":  "package p\n\nfunc helper() {}\n",
		"helper_darwin.go": "package p\n\nfunc helper() {}\n",
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
		{"func f() { g(func() any { return " + inner + "}) }", 1},
		{"func f() { g(" + inner + ", func(ctx context.Context, in Input) (int, error) { return 0, nil }) }", 1},
		{"func f() { g(func(ctx context.Context, in Input) (int, error) { return 0, nil }, " + inner + ") }", 0},
	} {
		dir := snippet(t, map[string]string{"order.go": test.declaration})
		r := checkAt(location{name: "p.f.func1", file: filepath.Join(dir, "order.go"), line: 6})
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
	_, file, _, _ := runtime.Caller(0)
	require.Equal(t, file, at.file)
}

// A function can be reached in five calls, through files that do not import a step package.
func TestDepth(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"calls.go": `package p

func handle(ctx context.Context, in Input) (int, error) { return (&service{}).one(ctx) }
func two(ctx context.Context) (int, error) { return three[int](ctx) }
func three[T any](ctx context.Context) (int, error) { return four(ctx) }
func five(ctx context.Context) (int, error) { return six(ctx) }
`,
		"service.go": `
type service struct{}
func (s *service) one(ctx context.Context) (int, error) { return s.next(ctx) }
func (s *service) next(ctx context.Context) (int, error) { return two(ctx) }
func four(ctx context.Context) (int, error) {
	total := 0
	_, err := step.Run(ctx, "charge", func(ctx context.Context) (any, error) { total = 5; return nil, nil })
	return total, err
}
func six(ctx context.Context) (int, error) {
	total := 0
	_, err := step.Run(ctx, "charge", func(ctx context.Context) (any, error) { total = 5; return nil, nil })
	return total, err
}
`,
	}
	path := filepath.Join(snippet(t, files), "service.go")
	require.Len(t, checkAt(location{name: "p.(*service).one", file: path, line: 8}).findings, 1)
	require.Len(t, checkAt(location{receiver: "service", method: "next", file: path}).findings, 1)
	calls := filepath.Join(filepath.Dir(path), "calls.go")
	require.Len(t, checkAt(location{name: "p.two", file: calls, line: 4}).findings, 1)
	require.Len(t, checkAt(location{name: "p.five", file: calls, line: 6}).findings, 1)
	require.Empty(t, checkAt(location{name: "p.handle", file: calls, line: 3}).findings, "a method of a value")
}
