// Release does what a release of the modules needs. Run it in the repository:
//
//	go run ./internal/conformance/release check          # versions, requirements, API
//	go run ./internal/conformance/release prove          # get, build and run each module alone
//	go run ./internal/conformance/release proxy DIR       # write a module proxy, to try the modules as a user
//	go run ./internal/conformance/release bump v0.2.0    # write a version to all its places
//	go run ./internal/conformance/release record         # record the API as that of a release
//	go run ./internal/conformance/release tags           # the tags to push, in order
//
// docs/releasing.md describes a release.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var errUsage = errors.New(
	"usage: release check [-tag release/v1.2.3] | prove [-update] [module…] | proxy DIR | bump v1.2.3 | record | tags")

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	root, err := output(ctx, ".", "go", "env", "GOWORK")
	if err != nil {
		return err
	}
	w, err := workspace.Open(filepath.Dir(root))
	if err != nil {
		return err
	}
	commands := map[string]func(context.Context, *workspace.Workspace, []string) error{
		"check": check, "prove": prove, "proxy": proxy, "bump": bump, "record": record, "tags": tags,
	}
	command, found := commands[args[0]]
	if !found {
		return errUsage
	}
	return command(ctx, w, args[1:])
}

// output returns what a command prints.
func output(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
