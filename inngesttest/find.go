package inngesttest

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// PathEnv is the environment variable that names the Inngest server's
// executable. When it is set, nothing else is looked for.
const PathEnv = "INNGEST_CLI_PATH"

// Source says where a [ServerBinary] comes from.
type Source string

// The places [FindServer] looks at, in its order.
const (
	// SourceEnv is the path in the environment variable [PathEnv].
	SourceEnv Source = "environment"
	// SourcePath is a program called inngest or inngest-cli on PATH.
	SourcePath Source = "PATH"
	// SourceBuilt is the version that inngesttest pins and builds itself.
	SourceBuilt Source = "built"
)

// ServerBinary is an executable of the Inngest server, and how it was found.
type ServerBinary struct {
	// Path is the absolute path of the executable.
	Path string
	// Source says which of the places it was found in.
	Source Source
}

// String says in one line which executable was taken and why, for logs.
func (b ServerBinary) String() string {
	switch b.Source {
	case SourceEnv:
		return fmt.Sprintf("Inngest server %s, named by %s", b.Path, PathEnv)
	case SourcePath:
		return fmt.Sprintf("Inngest server %s, found on PATH (%s is not set)", b.Path, PathEnv)
	case SourceBuilt:
		return fmt.Sprintf("Inngest server %s, built from the pinned version "+
			"(%s is not set, and neither inngest nor inngest-cli is on PATH)", b.Path, PathEnv)
	default:
		return "Inngest server " + b.Path
	}
}

// FindServer returns an executable of the Inngest server. It takes the first of
//
//   - the path in the environment variable INNGEST_CLI_PATH; it is an error if
//     that is set to anything but an executable file,
//   - inngest, then inngest-cli, on PATH,
//   - the pinned version, as [BuildServer] builds it.
//
// Only the last takes time, and only once per machine: some minutes, which
// progress is told about. A nil progress is silent.
func FindServer(ctx context.Context, progress io.Writer) (ServerBinary, error) {
	if path := os.Getenv(PathEnv); path != "" {
		abs, err := executable(path)
		if err != nil {
			return ServerBinary{}, fmt.Errorf(
				"inngesttest: %s must name an executable of the Inngest server, or be unset to have one found: %w", PathEnv, err)
		}
		return ServerBinary{Path: abs, Source: SourceEnv}, nil
	}
	for _, name := range []string{"inngest", "inngest-cli"} {
		// A program in the current directory, reached through a relative entry of
		// PATH, comes with exec.ErrDot; it is not taken, for the reasons os/exec gives.
		if path, err := exec.LookPath(name); err == nil {
			return ServerBinary{Path: path, Source: SourcePath}, nil
		}
	}
	return BuildServer(ctx, progress)
}

// executable returns the absolute path of an executable file. It makes the path
// absolute first, because servers run in a directory of their own and because
// exec.LookPath would search PATH for a bare name.
func executable(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return exec.LookPath(abs)
}
