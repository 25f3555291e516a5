package github_test

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

const (
	root      = "../../.."
	workflows = root + "/.github/workflows/"
)

// A workflow is what the tests compare of one.
type workflow struct {
	Permissions map[string]string `yaml:"permissions"`
	Concurrency struct {
		Group string `yaml:"group"`
	} `yaml:"concurrency"`
	Jobs map[string]struct {
		TimeoutMinutes int               `yaml:"timeout-minutes"`
		Permissions    map[string]string `yaml:"permissions"`
		Strategy       struct {
			Matrix struct {
				Server []string `yaml:"server"`
			} `yaml:"matrix"`
		} `yaml:"strategy"`
		Steps []step `yaml:"steps"`
	} `yaml:"jobs"`
}

type step struct {
	Uses string            `yaml:"uses"`
	Run  string            `yaml:"run"`
	With map[string]string `yaml:"with"`
}

// GitHub accepts the workflows, as far as actionlint knows.
func TestWorkflowsAreValid(t *testing.T) {
	t.Parallel()
	require.Empty(t, lint(t, workflows+"*.yml"))

	wrong := filepath.Join(t.TempDir(), "wrong.yml")
	require.NoError(t, os.WriteFile(wrong, []byte("on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n"+
		"      - uses: actions/setup-go@v6\n        with: {go-release: \"1.26\"}\n"), 0o644))
	require.ErrorContains(t, lint(t, wrong)[0], `input "go-release" is not defined`)
}

func lint(t *testing.T, pattern string) []*actionlint.Error {
	t.Helper()
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
	require.NoError(t, err)
	mistakes, err := linter.LintFiles(files, nil)
	require.NoError(t, err)
	return mistakes
}

// Workflows may only read, end by themselves, and do not run twice for one branch. They run
// what developers run, with actions of a fixed major version.
func TestWorkflowsFollowTheRules(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(workflows + "*.yml")
	require.NoError(t, err)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			w := parse[workflow](t, file)
			require.Equal(t, map[string]string{"contents": "read"}, w.Permissions)
			require.NotEmpty(t, w.Concurrency.Group)
			require.NotEmpty(t, w.Jobs)
			for name, job := range w.Jobs {
				require.NotZero(t, job.TimeoutMinutes, name)
				require.Empty(t, job.Permissions, name)
				for _, step := range job.Steps {
					checkStep(t, step)
				}
			}
		})
	}
}

var (
	majorVersion = regexp.MustCompile(`^actions/[a-z-]+@v\d+$`)
	script       = regexp.MustCompile(`^bash (\.ci/[a-z]+)( "\$GITHUB_REF_NAME")?$`)
	goCommand    = regexp.MustCompile(`^go (test|run) [^;&|]*$`)
)

func checkStep(t *testing.T, step step) {
	t.Helper()
	switch match := script.FindStringSubmatch(step.Run); {
	case match != nil:
		require.FileExists(t, filepath.Join(root, match[1]))
	case step.Run != "":
		require.Regexp(t, goCommand, step.Run)
	case !strings.HasPrefix(step.Uses, "./"):
		require.Regexp(t, majorVersion, step.Uses)
	}
}

// The tests run on both supported servers, with the Go that the modules need.
func TestVersionsInWorkflows(t *testing.T) {
	t.Parallel()
	ci := parse[workflow](t, workflows+"ci.yml")
	require.Equal(t, []string{devserver.OldestVersion, devserver.NewestVersion}, ci.Jobs["servers"].Strategy.Matrix.Server)

	setup := parse[struct {
		Runs struct {
			Steps []step `yaml:"steps"`
		} `yaml:"runs"`
	}](t, root+"/.github/actions/setup/action.yml")
	require.Regexp(t, majorVersion, setup.Runs.Steps[0].Uses)
	require.Regexp(t, majorVersion, setup.Runs.Steps[1].Uses)
	work, err := os.ReadFile(root + "/go.work")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(work), "go "+setup.Runs.Steps[0].With["go-version"]+"."))
}

func parse[T any](t *testing.T, file string) T {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var parsed T
	require.NoError(t, yaml.Unmarshal(text, &parsed))
	return parsed
}
