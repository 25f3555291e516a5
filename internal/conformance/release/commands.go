package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/inngestkit/inngestkit/internal/conformance/release/api"
	"github.com/inngestkit/inngestkit/internal/conformance/release/candidate"
	"github.com/inngestkit/inngestkit/internal/conformance/release/workspace"
)

// tagPrefix begins the tag that starts the proof on GitHub. It is not the tag of a module.
const tagPrefix = "release/"

// check compares versions, requirements and the API with each other and with the last
// release. For a tag, everything must be ready to be released.
func check(ctx context.Context, w *workspace.Workspace, args []string) error {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	tag := flags.String("tag", "", "check that the commit can be released under this tag, for example release/v1.2.3")
	if err := flags.Parse(args); err != nil {
		return err
	}
	packages, err := api.Load(ctx, w)
	if err != nil {
		return err
	}
	record := api.RecordOf(w)
	mistakes := []error{w.Check(), record.Check(w.Published(), packages)}
	if *tag != "" {
		mistakes = append(mistakes, checkTag(ctx, w, *tag), w.CheckChangelog(), record.CheckCurrent(w.Published(), packages))
	}
	return errors.Join(mistakes...)
}

// checkTag fails unless the tag is that of the version, which no module has as a tag yet, and
// everything is committed.
func checkTag(ctx context.Context, w *workspace.Workspace, tag string) error {
	if want := tagPrefix + w.Version; tag != want {
		return fmt.Errorf("the tag is %s, but the modules are ready for %s", tag, want)
	}
	tagged, err := output(ctx, w.Root, append([]string{"git", "tag", "--list"}, w.Tags()...)...)
	if err != nil {
		return err
	}
	if tagged != "" {
		return fmt.Errorf("modules are tagged already: %s", strings.Join(strings.Fields(tagged), ", "))
	}
	changed, err := output(ctx, w.Root, "git", "status", "--porcelain")
	if err != nil {
		return err
	}
	if changed != "" {
		return fmt.Errorf("not everything is committed:\n%s", changed)
	}
	return nil
}

// bump writes a version to all its places, and records the API as that of the version.
func bump(ctx context.Context, w *workspace.Workspace, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	if err := check(ctx, w, nil); err != nil {
		return err
	}
	if err := w.Bump(args[0], time.Now()); err != nil {
		return err
	}
	return record(ctx, w, nil)
}

// record records the API as that of a release.
func record(ctx context.Context, w *workspace.Workspace, _ []string) error {
	packages, err := api.Load(ctx, w)
	if err != nil {
		return err
	}
	return api.RecordOf(w).Write(packages)
}

// tags prints the tags of a release: first the one that starts the proof on GitHub, and then
// those of the modules.
func tags(_ context.Context, w *workspace.Workspace, _ []string) error {
	_, err := fmt.Fprintln(os.Stdout, strings.Join(append([]string{tagPrefix + w.Version}, w.Tags()...), "\n"))
	return err
}

// prove gets, builds and runs each module alone.
func prove(ctx context.Context, w *workspace.Workspace, args []string) (err error) {
	flags := flag.NewFlagSet("prove", flag.ContinueOnError)
	update := flags.Bool("update", false, "record the modules that each module brings along")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := w.Check(); err != nil {
		return err
	}
	if untracked, err := candidate.Untracked(ctx, w); err != nil {
		return err
	} else if len(untracked) > 0 {
		_, _ = fmt.Fprintln(os.Stdout, "not released, because Git does not track them:", strings.Join(untracked, ", "))
	}
	p, err := candidate.NewProver(ctx, w)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	start := time.Now()
	p.Update = *update
	p.Log = func(done string) {
		_, _ = fmt.Fprintf(os.Stdout, "%3.0fs ok %s\n", time.Since(start).Seconds(), done)
	}
	return p.Prove(ctx, flags.Args()...)
}

// proxy writes the published modules into a directory, and prints the environment in which go
// commands find them there, as those of a user will.
func proxy(ctx context.Context, w *workspace.Workspace, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	dir, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	if err := candidate.WriteProxy(ctx, w, w.Published(), dir); err != nil {
		return err
	}
	usual, err := output(ctx, w.Root, "go", "env", "GOPROXY")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(os.Stdout, "GOPROXY=file://%s,%s\nGONOSUMDB=%s\n", filepath.ToSlash(dir), usual, workspace.Repository)
	return err
}
