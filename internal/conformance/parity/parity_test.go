package parity

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

var update = flag.Bool("update", false, "write the verdicts of the real servers to testdata")

// TestMain lets all rows run at the same time: they wait, and use little of the processors.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "32"); err != nil {
		panic(err)
	}
	testsite.VerifyTestMain(m)
}

var rowNames = regexp.MustCompile(`^[a-z0-9-]+$`)

// quickRows returns the rows that need some seconds of a server's time.
func quickRows() []Row {
	return slices.Concat(stepRows, attemptRows, waitRows, invokeRows, parallelRows, checkpointRows, eventRows,
		startRows, limitRows, batchRows, cancelRows, failureRows, combinedRows)
}

func allRows() []Row { return slices.Concat(quickRows(), scheduleRows) }

// The names of rows begin IDs of functions, and are names of files.
func TestRowNames(t *testing.T) {
	t.Parallel()
	rows := allRows()
	require.GreaterOrEqual(t, len(rows), 60)
	names := make([]string, len(rows))
	for i, row := range rows {
		require.Regexp(t, rowNames, row.Name)
		require.NotContains(t, names, row.Name)
		names[i] = row.Name
	}
	files, err := filepath.Glob(verdictFile("*"))
	require.NoError(t, err)
	for _, file := range files {
		name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".txt"), "@")
		require.Contains(t, names, name, "%s is left over", file)
	}
}

var versions = []string{devserver.NewestVersion, devserver.OldestVersion}

// Each row has the verdict in testdata on the real servers. One server at a time, because two of
// them and their apps would keep a machine with few processors busy for too long.
func TestRowsOnServers(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		t.Run(version, func(t *testing.T) { //nolint:paralleltest // see above
			onServer(t, version, quickRows())
		})
	}
}

// These servers have nothing to do but to wait for the minute.
func TestSchedulesOnServers(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			onServer(t, version, scheduleRows)
		})
	}
}

// onServer runs rows on a server and checks their verdicts.
func onServer(t *testing.T, version string, rows []Row) {
	t.Helper()
	recorder := newRecorder()
	probes := make([]*Probe, len(rows))
	var functions []inngestkit.Function
	for i, row := range rows {
		probes[i] = newProbe(row.Name, recorder)
		functions = append(functions, row.Functions(probes[i])...)
	}
	w := newRealWorld(t, version, recorder, functions...)
	for i, row := range rows {
		t.Run(row.Name, func(t *testing.T) {
			t.Parallel()
			row.Drive(t, w, probes[i])
			row.check(t, w, judge(t, w, probes[i], row.Unordered != ""))
		})
	}
}

// Each row has the verdict of the real servers on the virtual engine.
func TestRowsOnEngine(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		for _, row := range allRows() {
			t.Run(version+"/"+row.Name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p := newProbe(row.Name, newRecorder())
					w := newVirtualWorld(t, version, p.recorder, row.Functions(p)...)
					row.Drive(t, w, p)
					row.check(t, w, judge(t, w, p, row.Unordered != ""))
				})
			})
		}
	}
}

// check compares the verdict of a target with the one in testdata.
func (r *Row) check(t *testing.T, w World, got Verdict) {
	t.Helper()
	file := verdictFile(r.Name)
	if oldest(w) && r.Oldest != "" {
		file = verdictFile(r.Name + "@" + devserver.OldestVersion)
	}
	if *update {
		if !oldest(w) || r.Oldest != "" {
			require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
		}
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "write the verdicts of the real servers with -update")
	if diff := Compare(Verdict(want), got); diff != "" {
		t.Errorf("the verdict of %s differs from %s:\n%s", w.Version(), file, diff)
	}
}

func verdictFile(name string) string { return filepath.Join("testdata", name+".txt") }
