package inngesthealth

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

const mib = 1 << 20

func TestMemoryJSON(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		memory Memory
		want   string
	}{
		"the example of nestjs-inngest": {
			memoryOf(45*mib, 512*mib),
			`{"used":"45 MB","limit":"512 MB","percentage":8.8,"usedBytes":47185920,"limitBytes":536870912}`,
		},
		"no limit": {
			memoryOf(45*mib, 0),
			`{"used":"45 MB","limit":null,"percentage":null,"usedBytes":47185920,"limitBytes":null}`,
		},
		"nothing": {
			Memory{}, `{"used":"0 MB","limit":null,"percentage":null,"usedBytes":0,"limitBytes":null}`,
		},
		"nothing used of a limit": {
			memoryOf(0, mib), `{"used":"0 MB","limit":"1 MB","percentage":0,"usedBytes":0,"limitBytes":1048576}`,
		},
		"rounded down and up": {
			memoryOf(3*mib/2-1, 3*mib/2),
			`{"used":"1 MB","limit":"2 MB","percentage":100,"usedBytes":1572863,"limitBytes":1572864}`,
		},
		"more than the limit": {
			memoryOf(3*mib, 2*mib),
			`{"used":"3 MB","limit":"2 MB","percentage":150,"usedBytes":3145728,"limitBytes":2097152}`,
		},
		"the highest number": {
			memoryOf(math.MaxUint64, 0),
			`{"used":"17592186044416 MB","limit":null,"percentage":null,"usedBytes":18446744073709551615,"limitBytes":null}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := json.Marshal(test.memory)
			require.NoError(t, err)
			require.JSONEq(t, test.want, string(data))
			require.Equal(t, test.want, string(data), "also in this order")

			var back Memory
			require.NoError(t, json.Unmarshal(data, &back))
			require.Equal(t, test.memory, back)
		})
	}
}

func TestMemoryJSONInvalid(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`[]`, `{"usedBytes":-1}`, `{"limitBytes":"1"}`} {
		before := memoryOf(1, 2)
		after := before
		require.Error(t, json.Unmarshal([]byte(data), &after), data)
		require.Equal(t, before, after, data)
	}
}

// The limit with the higher percentage is used, with its own usage.
func TestMemoryOfBothLimits(t *testing.T) {
	t.Parallel()
	cgroup := func(limit, usage string) cgroups {
		return findCgroups(fstest.MapFS{
			"proc/self/cgroup":                 file("0::/\n"),
			"sys/fs/cgroup/cgroup.controllers": file("memory\n"),
			"sys/fs/cgroup/memory.max":         file(limit),
			"sys/fs/cgroup/memory.current":     file(usage),
		})
	}
	for name, test := range map[string]struct {
		cgroups cgroups
		runtime runtimeStats
		want    Memory
	}{
		"neither":               {cgroup("max", "900"), runtimeStats{held: 300, needed: 200}, memoryOf(300, 0)},
		"only the cgroup's":     {cgroup("1000", "400"), runtimeStats{held: 300, needed: 200}, memoryOf(400, 1000)},
		"only GOMEMLIMIT":       {cgroup("max", "900"), runtimeStats{held: 300, needed: 200, limit: 500}, memoryOf(200, 500)},
		"the cgroup is closer":  {cgroup("1000", "900"), runtimeStats{held: 300, needed: 200, limit: 500}, memoryOf(900, 1000)},
		"GOMEMLIMIT is closer":  {cgroup("1000", "300"), runtimeStats{held: 300, needed: 200, limit: 500}, memoryOf(200, 500)},
		"GOMEMLIMIT is lower":   {cgroup("1000", "700"), runtimeStats{held: 490, needed: 200, limit: 500}, memoryOf(700, 1000)},
		"only garbage is short": {cgroup("1000", "300"), runtimeStats{held: 500, needed: 100, limit: 500}, memoryOf(300, 1000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, test.cgroups.memory(test.runtime))
		})
	}
}

// These facts hold on every machine, with any limits.
func TestReadMemory(t *testing.T) {
	t.Parallel()
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for range 20 {
				m := readMemory()
				if m.UsedBytes == 0 || m != memoryOf(m.UsedBytes, m.LimitBytes) {
					t.Errorf("%+v is no memory of a process", m)
				}
			}
		})
	}
	readers.Wait()
}

// childResult is the output of the child process of TestMemoryLimit.
type childResult struct {
	// Limit is GOMEMLIMIT as reported by the runtime.
	Limit uint64 `json:"limit"`
	// Held and Memory are the highest percentages seen: of the memory that the runtime
	// had from the system, and of the usage that this package reports.
	Held   float64 `json:"held"`
	Memory float64 `json:"memory"`
}

// With GOMEMLIMIT, live data makes the memory short and garbage does not, although both
// make the process equally large.
func TestMemoryLimit(t *testing.T) {
	if kind := os.Getenv("INNGESTHEALTH_TEST_CHILD"); kind != "" {
		fillMemory(t, kind)
		return
	}
	t.Parallel()

	live, garbage := runChild(t, "live", "96MiB"), runChild(t, "garbage", "96MiB")
	require.Equal(t, uint64(96*mib), live.Limit)
	require.Equal(t, live.Limit, garbage.Limit)

	require.Greater(t, live.Held, 90.0)
	require.GreaterOrEqual(t, live.Memory, 95.0)

	require.Greater(t, garbage.Held, 60.0, "else this proves nothing")
	require.Less(t, garbage.Memory, 30.0)

	gaps := runChild(t, "gaps", "96MiB")
	require.Greater(t, gaps.Held, 60.0)
	require.Less(t, gaps.Memory, 30.0)

	require.Equal(t, childResult{}, runChild(t, "live", "off"), "no limit, no percentage")
}

func runChild(t *testing.T, kind, limit string) childResult {
	t.Helper()
	out := filepath.Join(t.TempDir(), "result.json")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemoryLimit$")
	cmd.Env = append(os.Environ(), "GOMEMLIMIT="+limit, "GOGC=off",
		"INNGESTHEALTH_TEST_CHILD="+kind, "INNGESTHEALTH_TEST_OUT="+out)
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, string(output))
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	var r childResult
	require.NoError(t, json.Unmarshal(data, &r))
	t.Logf("%s: %+v", kind, r)
	return r
}

// fillMemory runs in the child process. It keeps all that it allocates until the alarm
// (almost nothing without a limit), or none of it, up to 60 % of its limit between
// collections. Or it fills two thirds and keeps a little of that, with gaps.
func fillMemory(t *testing.T, kind string) {
	t.Helper()
	const chunk = 64 << 10
	var r childResult
	var kept [][]byte
	read := func() {
		stats := readRuntime()
		r.Limit = stats.limit
		r.Held = max(r.Held, memoryOf(stats.held, stats.limit).Percentage)
		// Ignores the cgroups of the machine.
		r.Memory = max(r.Memory, cgroups{}.memory(stats).Percentage)
	}
	if kind == "gaps" { // one object of 1 KB in each page of 8 KB
		for i := range 64 << 10 {
			if data := make([]byte, 1<<10); i%8 == 0 {
				kept = append(kept, data)
			}
		}
		runtime.GC()
		read()
	}
	// A collection on a busy machine takes so long that what is allocated meanwhile makes
	// the memory short, as it should. The collector does not begin by itself before 70 % of
	// the limit.
	for round := 0; kind == "garbage" && round < 5; round++ {
		for range 56 << 20 / chunk {
			kept = [][]byte{make([]byte, chunk)}
			read()
		}
		runtime.GC()
		read()
	}
	for allocated := uint64(0); kind == "live" && allocated <= 4*r.Limit && r.Memory < 95; allocated += chunk {
		kept = append(kept, make([]byte, chunk))
		read()
	}
	runtime.KeepAlive(kept)
	data, err := json.Marshal(r)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(os.Getenv("INNGESTHEALTH_TEST_OUT"), data, 0o600))
}

func BenchmarkReadMemory(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		readMemory()
	}
}

func BenchmarkReadRuntime(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		readRuntime()
	}
}

func BenchmarkReadMemoryParallel(b *testing.B) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			readMemory()
		}
	})
}
