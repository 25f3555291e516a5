package devserver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/inngestkit/inngestkit/inngesttest/internal/pinned"
)

// serverModule is the Go module of the Inngest server.
const serverModule = "github.com/inngest/inngest"

// A recipe describes how to build a version of the server.
type recipe struct {
	version string
	// goMod and goSum are the files of a module that requires the server. They fix every
	// download: the server's module by its checksum, and its requirements by this go.sum
	// or by the server's own.
	goMod, goSum []byte
	// absent is a directory that the server embeds but its published module lacks. Such a
	// version is built in a copy of its module, with a file in that directory. Other
	// versions are built as a dependency.
	absent string
}

// newRecipe returns the recipe of a supported version.
func newRecipe(version string) recipe {
	r := recipe{version: version}
	r.goMod, r.goSum = pinned.Module(version)
	if version == NewestVersion {
		// The directory is a Git submodule, which a module's archive cannot hold.
		r.absent = "internal/embeddocs/website/pages/docs"
	}
	return r
}

// key returns a hash of everything that determines the executable.
func (r recipe) key() string {
	sum := sha256.New()
	for _, part := range [][]byte{r.goMod, r.goSum, []byte(r.absent), []byte(strings.Join(r.buildArgs("out"), " "))} {
		// The lengths keep the parts apart. Writing to a hash never fails.
		_, _ = fmt.Fprintf(sum, "%d\n%s", len(part), part)
	}
	return fmt.Sprintf("%s-%s-%s-%x", r.version, runtime.GOOS, runtime.GOARCH, sum.Sum(nil)[:8])
}

// buildArgs returns the arguments of the go command that write the executable to
// out. The server then reports its version, like the releases of Inngest.
func (r recipe) buildArgs(out string) []string {
	return []string{
		"build", "-v", "-trimpath", "-buildvcs=false",
		"-ldflags=-s -w -X " + serverModule + "/pkg/inngest/version.Version=" + strings.TrimPrefix(r.version, "v"),
		"-o", out, serverModule + "/cmd",
	}
}

// prepare creates the directory to build in, below work.
func (r recipe) prepare(ctx context.Context, goCmd, work string, env []string, watch *buildWatch) (dir string, err error) {
	module := filepath.Join(work, "module")
	if err := os.Mkdir(module, 0o750); err != nil {
		return "", err
	}
	for name, content := range map[string][]byte{"go.mod": r.goMod, "go.sum": r.goSum} {
		if err := os.WriteFile(filepath.Join(module, name), content, 0o600); err != nil {
			return "", err
		}
	}
	if r.absent == "" {
		return module, nil
	}
	watch.begin("downloading " + serverModule + " " + r.version)
	downloaded, err := r.download(ctx, goCmd, module, env)
	if err != nil {
		return "", err
	}
	watch.begin("copying " + serverModule)
	source := filepath.Join(work, "source")
	if err := os.CopyFS(source, os.DirFS(downloaded)); err != nil {
		return "", fmt.Errorf("copying the server's module: %w", err)
	}
	absent := filepath.Join(source, filepath.FromSlash(r.absent))
	if err := os.MkdirAll(absent, 0o750); err != nil {
		return "", err
	}
	return source, os.WriteFile(filepath.Join(absent, "README.md"), []byte("The Go module has no documentation.\n"), 0o600)
}

// download downloads the server's module with the go command, which compares it with the
// checksum in go.sum, and returns its directory.
func (r recipe) download(ctx context.Context, goCmd, module string, env []string) (dir string, err error) {
	//nolint:gosec // G204: it is the go command from PATH, and no shell reads the arguments
	cmd := exec.CommandContext(ctx, goCmd, "mod", "download", "-json", serverModule+"@"+r.version)
	cmd.Dir, cmd.Env = module, append(env, "PWD="+module)
	cmd.Cancel = func() error { return kill(cmd.Process) }
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	p, err := startProcess(cmd, func() {})
	if err != nil {
		return "", err
	}
	<-p.done
	var answer struct {
		Dir   string `json:"Dir"`
		Error string `json:"Error"`
	}
	decodeErr := json.Unmarshal(out.Bytes(), &answer)
	if p.err != nil || answer.Error != "" {
		return "", &goError{command: "go mod download", err: p.err, output: answer.Error + "\n" + messages.String()}
	}
	if decodeErr != nil || answer.Dir == "" {
		return "", fmt.Errorf("go mod download: the output has no directory of the module: %s", out.Bytes())
	}
	return answer.Dir, nil
}
