package repository

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"mvdan.cc/sh/v3/syntax"

	"github.com/inngestkit/inngestkit/internal/conformance/pages"
)

// TestDocsCommands checks the shell commands in the pages, in blocks and within the text:
// their packages, files, flags, tests and variables exist. A block that runs a program from
// elsewhere states why the tests do not.
func TestDocsCommands(t *testing.T) {
	t.Parallel()
	source := readSource(t)
	var mistakes []error
	count := 0
	check := func(where, code, reason string) {
		commands, err := pages.Commands(code)
		for _, command := range commands {
			count++
			err = errors.Join(err, source.checkCommand(path.Dir(where), command, reason))
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", where, err))
		}
	}
	for _, page := range allPages(t) {
		for _, block := range page.Blocks {
			if block.Language == "sh" {
				check(block.Where(), block.Text, block.Reason)
			}
		}
		for _, span := range page.Spans {
			if isCommand(span) {
				check(page.Path+": "+span, span, "it is a part of a sentence")
			}
		}
	}
	require.NoError(t, errors.Join(mistakes...))
	require.Greater(t, count, 50)
}

// isCommand reports whether code within text is a command with arguments.
func isCommand(span string) bool {
	name, arguments, _ := strings.Cut(span, " ")
	switch name {
	case "go":
		return regexp.MustCompile(`^(build|get|install|run|test|vet) .`).MatchString(arguments)
	case "bash", "curl", "docker", "kubectl", "npm", "npx":
		return arguments != ""
	}
	return false
}

// checkCommand returns what is wrong with a command of a page in a directory. reason says why
// its block is not run, if it is not.
func (s *source) checkCommand(dir string, command pages.Command, reason string) error {
	for _, variable := range command.Variables {
		if strings.HasPrefix(variable, "INNGEST_") && !s.variables[variable] {
			return fmt.Errorf("no code reads the variable %s", variable)
		}
	}
	name, args := command.Args[0], command.Args[1:]
	switch {
	case name == "go":
		return s.checkGo(dir, args)
	case name == "curl" && reason == "":
		return checkRequest(args[0])
	case name == "bash" && len(args) > 0:
		return s.checkScript(args[0], args[1:])
	case strings.Contains(name, "/"):
		return s.checkScript(name, args)
	case s.programs[name]:
		return nil // internal/deploy runs it
	case reason != "":
		return s.checkFiles(args)
	}
	return fmt.Errorf("%q is not a program of this repository, and no comment says why it is not run", name)
}

// requests are the paths of requests on the pages that tests send, too.
var requests = map[string]string{
	"localhost:3000/users":      "TestProgramsRun, to each program of the pages",
	"localhost:8288/e/":         "TestSend in devserver",
	"localhost:8288/v1/events/": "AwaitRunsOf in devserver",
}

func checkRequest(url string) error {
	for known := range requests {
		if strings.HasPrefix(url, known) {
			return nil
		}
	}
	return fmt.Errorf("no test sends a request to %s, and no comment says why", url)
}

// checkScript checks that a script exists, that its syntax is right, and that its arguments
// that look like files of the repository exist.
func (s *source) checkScript(name string, args []string) error {
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		return err
	}
	if _, err := syntax.NewParser().Parse(strings.NewReader(string(text)), name); err != nil {
		return err
	}
	return s.checkFiles(args)
}

// checkFiles checks that arguments below a directory of the repository exist.
func (s *source) checkFiles(args []string) error {
	for _, arg := range args {
		top, _, below := strings.Cut(arg, "/")
		if !below || !s.directories[top] {
			continue
		}
		if _, err := os.Stat(filepath.Join(root, arg)); err != nil {
			return err
		}
	}
	return nil
}

func TestCommandsThatAreWrong(t *testing.T) {
	t.Parallel()
	source := readSource(t)
	for code, want := range map[string]string{
		"go run ./examples/quickstart":  "",
		"go run ./examples/slowstart":   "no package",
		"go run ./core/flow":            "is not a program",
		"go test ./internal/faults/...": "",
		"go test ./internal/fault/...":  "no package",
		"go test -run '^$' -bench 'Call/|Memoized' ./internal/conformance/benchmarks": "",
		"go test -run '^$' -bench 'Cells/' ./internal/conformance/benchmarks":         `no test matches "Cells"`,
		"go test -run TestDocsCommands ./internal/faults":                             "no test matches",
		"go test ./internal/faults -faults.long -timeout 0":                           "",
		"go test ./internal/conformance -faults.long":                                 "flag -faults.long",
		"go test ./core -verbose":                                                     "flag -verbose",
		"go get github.com/inngestkit/inngestkit/contrib/otel":                        "",
		"go get github.com/inngestkit/inngestkit/contrib/trace":                       "no module",
		"go get github.com/inngest/inngestgo@v0.1.0":                                  "core requires",
		"bash .ci/run":  "",
		"bash .ci/gone": "no such file",
		"deploy/kubernetes/rollout.sh registry.example.com/reports:1": "",
		"INNGEST_GONE=1 go test work":                                 "INNGEST_GONE",
		"docker build -f deploy/Dockerfile .":                         "no comment says why",
		"report sync":                                                 `"report"`,
		"reports sync":                                                "",
		"$ reports health\nok":                                        "",
		"go tool inngest-dev -port 8289":                              "",
		"go tool inngest-dev -gate 8289":                              "no flag -gate",
		"go tool inngest-gone":                                        "no package",
		"go get -tool github.com/inngestkit/inngestkit/inngesttest/cmd/inngest-dev": "",
		"curl localhost:3000/users -d '{}'":                                         "",
		"curl localhost:3000/losers":                                                "no test sends a request",
	} {
		commands, err := pages.Commands(code)
		require.NoError(t, err, code)
		require.Len(t, commands, 1, code)
		err = source.checkCommand("docs", commands[0], "")
		if want == "" {
			require.NoError(t, err, code)
			continue
		}
		require.ErrorContains(t, err, want, code)
	}
	commands, err := pages.Commands("docker build -f deploy/Gone .")
	require.NoError(t, err)
	require.ErrorContains(t, source.checkCommand("docs", commands[0], "no daemon"), "no such file")
	_, err = pages.Commands("go test 'x\n")
	require.ErrorContains(t, err, "quote")
}
