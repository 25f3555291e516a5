// The program fuzz runs every fuzz target of the workspace, one after another:
//
//	go run ./internal/faults/cmd/fuzz -time 10m
//
// It finds the targets in the sources, so new ones need no list. It prints how often each
// one ran, and fails at the end if any of them failed.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

func main() {
	each := flag.Duration("time", 10*time.Minute, "how long to run each target")
	only := flag.String("run", "", "a regular expression for the names of the targets to run")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *each, *only); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// target is one fuzz target.
type target struct{ pkg, name string }

func run(ctx context.Context, each time.Duration, only string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	targets, err := list(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, t := range targets {
		if !pattern.MatchString(t.name) || ctx.Err() != nil {
			continue
		}
		if err := t.fuzz(ctx, each); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s in %s: %w", t.name, t.pkg, err))
		}
	}
	return failed
}

// declaration is how a fuzz target is declared.
var declaration = regexp.MustCompile(`(?m)^func (Fuzz\w*)\(\w+ \*testing\.F\)`)

// list returns the fuzz targets of all packages of the workspace.
func list(ctx context.Context) ([]target, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-json=ImportPath,Dir,TestGoFiles,XTestGoFiles", "work").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var targets []target
	for packages := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Dir           string
			TestGoFiles, XTestGoFiles []string
		}
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			return targets, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		for _, file := range append(p.TestGoFiles, p.XTestGoFiles...) {
			source, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				return nil, err
			}
			for _, found := range declaration.FindAllSubmatch(source, -1) {
				targets = append(targets, target{p.ImportPath, string(found[1])})
			}
		}
	}
}

// fuzz runs a target and prints the last line of its progress, and what else it says if it
// fails.
func (t target) fuzz(ctx context.Context, each time.Duration) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$",
		"-fuzztime", each.String(), "-fuzzminimizetime", "1s", t.pkg)
	var all bytes.Buffer
	cmd.Stdout, cmd.Stderr = &all, &all
	err := cmd.Run()
	progress := ""
	for lines := bufio.NewScanner(&all); lines.Scan(); {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "fuzz: elapsed:"):
			progress = line
		case err != nil:
			fmt.Println(line)
		}
	}
	fmt.Printf("%-24s %-70s %s\n", t.name, t.pkg, progress)
	return err
}
