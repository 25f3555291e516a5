//go:build unix

package devserver

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestVersionIn(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]string{
		"1.43.0-e7b1e6e64\n":               "v1.43.0",
		"1.12.1-\n":                        "v1.12.1",
		"1.9.2-beta.1-abcdef\n":            "v1.9.2-beta.1",
		"v2.0.0\n":                         "v2.0.0",
		"dev-\n":                           "dev",
		"1.43.0-e7b1e6e64\nUpdate me\n":    "v1.43.0",
		"":                                 "",
		"Segfault\n":                       "",
		"\x1b[31mv1.43.0\n":                "",
		"An update is there\n1.43.0-a1\n":  "v1.43.0",
		"1.43.0-e7b1e6e64\r\n":             "v1.43.0",
		"1.9.2-beta.1\n":                   "v1.9.2-beta.1",
		"\n":                               "",
		"No help topic for 'version'\n":    "",
		"Usage: node [options] [script]\n": "",
	} {
		require.Equal(t, want, versionIn(output), "%q", output)
	}
}

// Whatever an executable does, probe returns, at the latest when the context ends.
func TestProbeOfOtherPrograms(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	for name, script := range map[string]string{"silent": "exit 0", "failing": "echo no such command >&2; exit 1", "crashing": "kill -9 $$"} {
		about, err := probe(t.Context(), writeExecutable(t, dir, name, "#!/bin/sh\n"+script+"\n"))
		require.NoError(t, err)
		require.Equal(t, probed{}, about)
	}
	about, err := probe(t.Context(), writeExecutable(t, dir, "not-a-program", "\x00"))
	require.NoError(t, err)
	require.Equal(t, probed{}, about)
	_, err = probe(t.Context(), dir+"/missing")
	require.ErrorIs(t, err, os.ErrNotExist)

	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	hanging := writeExecutable(t, dir, "hanging", "#!/bin/sh\necho hm\nsleep 1000\n")
	_, err = Start(ctx, Config{Binary: hanging})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, hanging)
	require.ErrorContains(t, err, "hm")
	requireEmpty(t, os.Getenv("TMPDIR"))
}

// A changed file is probed again.
func TestProbeOfAnUpdatedServer(t *testing.T) {
	dir := t.TempDir()
	path := writeExecutable(t, dir, "inngest", cli("1.43.0-abc"))
	about, err := probe(t.Context(), path)
	require.NoError(t, err)
	require.Equal(t, "v1.43.0", about.version)
	path = writeExecutable(t, dir, "inngest", cli("1.44.0-abcdef"))
	about, err = probe(t.Context(), path)
	require.NoError(t, err)
	require.Equal(t, "v1.44.0", about.version)
}

// A server of an untested version works, with one warning.
func TestAnotherVersionIsUsedWithAWarning(t *testing.T) {
	found, err := Find(t.Context(), os.Stderr)
	require.NoError(t, err)
	future := writeExecutable(t, t.TempDir(), "inngest",
		"#!/bin/sh\n[ \"$1\" = version ] && echo 7.0.1-abcdef && exit\nexec '"+found.Path+"' \"$@\"\n")
	app := startFakeApp(t, map[string]fakeFunction{"f": {trigger: onEvent("x"), answer: always(200, "done")}})
	var progress bytes.Buffer
	s := app.serverFor(Config{Binary: future, Progress: &progress})
	require.Equal(t, "v7.0.1", s.Version())
	ctx := testContext(t)
	id, err := s.Send(ctx, "x", nil)
	require.NoError(t, err)
	runs, err := s.AwaitRuns(ctx, id, 1)
	require.NoError(t, err)
	require.Equal(t, RunCompleted, runs[0].Status)

	New(t, Config{Binary: future, Progress: &progress})
	require.Equal(t, 1, strings.Count(progress.String(), "\n"), progress.String())
	for _, part := range []string{"not tested", "v7.0.1", future, "v1.12.1 and v1.43.0", "Config.Version instead"} {
		require.Contains(t, progress.String(), part)
	}
}

// The advice about an untested server depends on how the server was chosen.
func TestWarningNamesTheCure(t *testing.T) {
	t.Parallel()
	for want, binary := range map[string]Binary{
		"to build a tested one, unset INNGEST_CLI_PATH and set INNGEST_CLI_VERSION=v1.43.0.\n":  {Path: "/a", Source: SourceEnv, Version: "v1.1.0"},
		"to build a tested one, set INNGEST_CLI_VERSION=v1.43.0.\n":                             {Path: "/a", Source: SourcePath, Version: "v1.1.1"},
		"to build a tested one, set Config.Version instead of Config.Binary.\n":                 {Path: "/a", Version: "v1.1.2"},
		"this program reports no version; is it the Inngest server?: Inngest server /a. Tested": {Path: "/a"},
	} {
		var progress bytes.Buffer
		warnUntested(binary, &progress)
		require.Contains(t, progress.String(), want)
	}
}

func TestNoTemporaryDirectory(t *testing.T) {
	binary := writeExecutable(t, t.TempDir(), "inngest", cli("1.43.0-"))
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	_, err := Start(t.Context(), Config{Binary: binary})
	require.ErrorContains(t, err, "TMPDIR must be writable")
}
