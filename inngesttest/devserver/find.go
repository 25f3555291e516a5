package devserver

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// PathEnv is the environment variable that names the Inngest server's executable. If
// it is set, no other place is searched.
const PathEnv = "INNGEST_CLI_PATH"

// Source is the place where a [Binary] was found.
type Source string

// The places that [Find] searches, in order.
const (
	// SourceEnv is the path in the environment variable [PathEnv].
	SourceEnv Source = "environment"
	// SourcePath is a program called inngest or inngest-cli on PATH.
	SourcePath Source = "PATH"
	// SourceBuilt is a version built by [Build].
	SourceBuilt Source = "built"
)

// Binary is an executable of the Inngest server, and how it was found.
type Binary struct {
	// Path is the absolute path of the executable.
	Path string
	// Source is the place where it was found.
	Source Source
	// Version is the version that it reports, such as v1.43.0. It is dev if it was
	// built without a version, and empty if the executable reports none.
	Version string
}

// String describes the executable and its source in one line, for logs.
func (b Binary) String() string {
	text := "Inngest server " + b.Path
	if b.Version != "" {
		text = fmt.Sprintf("Inngest server %s, %s", b.Version, b.Path)
	}
	switch b.Source {
	case SourceEnv:
		return text + ", named by " + PathEnv
	case SourcePath:
		return fmt.Sprintf("%s, found on PATH (neither %s nor %s is set)", text, PathEnv, VersionEnv)
	case SourceBuilt:
		return text + ", built by inngestkit"
	default:
		return text
	}
}

// Find returns an executable of the Inngest server, the first of:
//
//   - the path in the environment variable INNGEST_CLI_PATH; it is an error if
//     that is set to anything but an executable file,
//   - the version in the environment variable INNGEST_CLI_VERSION, as
//     [Build] builds it,
//   - inngest, then inngest-cli, on PATH,
//   - [DefaultVersion], as [Build] builds it.
//
// Building takes some minutes, once per machine, and reports to progress. A nil
// progress is silent.
func Find(ctx context.Context, progress io.Writer) (Binary, error) {
	path, version := os.Getenv(PathEnv), os.Getenv(VersionEnv)
	switch {
	case path != "":
		return namedServer(ctx, path, version)
	case version != "":
		binary, err := Build(ctx, version, progress)
		if err != nil {
			return Binary{}, fmt.Errorf("%w (%s is set)", err, VersionEnv)
		}
		return binary, nil
	}
	for _, name := range []string{"inngest", "inngest-cli"} {
		// A program in the current directory, reached through a relative entry of
		// PATH, has exec.ErrDot; it is not used, for the reasons that os/exec gives.
		if path, err := exec.LookPath(name); err == nil {
			return newServerBinary(ctx, path, SourcePath)
		}
	}
	return Build(ctx, DefaultVersion, progress)
}

// namedServer returns the executable that the environment names. If the environment also
// names a version, the executable must have it.
func namedServer(ctx context.Context, path, version string) (Binary, error) {
	abs, err := executable(path)
	if err != nil {
		return Binary{}, fmt.Errorf(
			"devserver: %s must name an executable of the Inngest server, or be unset to have one found: %w", PathEnv, err)
	}
	binary, err := newServerBinary(ctx, abs, SourceEnv)
	if err != nil || version == "" {
		return binary, err
	}
	if binary.Version != "v"+strings.TrimPrefix(version, "v") {
		return Binary{}, fmt.Errorf(
			"devserver: %s is %s, and the server that %s names, %s, reports version %q; unset one of them",
			VersionEnv, version, PathEnv, abs, binary.Version)
	}
	return binary, nil
}

// newServerBinary returns an executable with the version it reports.
func newServerBinary(ctx context.Context, path string, source Source) (Binary, error) {
	about, err := probe(ctx, path)
	if err != nil {
		return Binary{}, fmt.Errorf("devserver: %w", err)
	}
	return Binary{Path: path, Source: source, Version: about.version}, nil
}

// executable returns the absolute path of an executable file. It makes the path
// absolute first, because servers run in their own directory and because
// exec.LookPath would search PATH for a bare name.
func executable(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return exec.LookPath(abs)
}
