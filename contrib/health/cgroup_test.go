package inngesthealth

import (
	"io/fs"
	"math"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func file(content string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(content)} }

// machine returns the files of a machine: /proc/self/cgroup, and directories below
// /sys/fs/cgroup whose files are given as "name: content".
func machine(membership string, directories map[string][]string) fstest.MapFS {
	files := fstest.MapFS{}
	if membership != "" {
		files["proc/self/cgroup"] = file(membership)
	}
	for dir, contents := range directories {
		for _, content := range contents {
			name, text, _ := strings.Cut(content, ": ")
			files[strings.TrimSuffix("sys/fs/cgroup/"+dir, "/")+"/"+name] = file(text + "\n")
		}
	}
	return files
}

// statV2 and statV1 begin like real files.
const (
	statV2 = "memory.stat: anon 600\nfile 300\nkernel 50\nactive_anon 580\ninactive_anon 20\n" +
		"inactive_file 100\nactive_file 200\nunevictable 0"
	statV1 = "memory.stat: cache 400\nrss 500\ninactive_file 7\nactive_file 8\n" +
		"hierarchical_memory_limit 9223372036854771712\ntotal_cache 400\ntotal_inactive_file 250\ntotal_active_file 150"
)

func TestCgroups(t *testing.T) {
	t.Parallel()
	type dirs = map[string][]string
	controllers := "cgroup.controllers: cpu memory"
	unlimitedV1 := []string{"memory.limit_in_bytes: 9223372036854771712", "memory.usage_in_bytes: 5000"}
	for name, test := range map[string]struct {
		membership  string
		directories dirs
		used, limit uint64
	}{
		"v2, in a container": {"0::/\n", dirs{
			"": {controllers, "memory.max: 2000", "memory.current: 950", statV2},
		}, 850, 2000},
		"v2, own": {"0::/a.slice/b.service\n", dirs{
			"":                  {controllers},
			"a.slice":           {"memory.max: max", "memory.current: 5000"},
			"a.slice/b.service": {"memory.max: 2000", "memory.current: 950", statV2},
		}, 850, 2000},
		"v2, a parent is lower": {"0::/a/b/c\n", dirs{
			"":      {controllers},
			"a":     {"memory.max: 4000", "memory.current: 3000"},
			"a/b":   {"memory.max: 1000", "memory.current: 900", statV2},
			"a/b/c": {"memory.max: 2000", "memory.current: 700"},
		}, 800, 1000},
		"v2, own is lower": {"0::/a/b\n", dirs{
			"":    {controllers},
			"a":   {"memory.max: 4000", "memory.current: 3000"},
			"a/b": {"memory.max: 1000", "memory.current: 700"},
		}, 700, 1000},
		"v2, a parent has the same": {"0::/a/b\n", dirs{
			"":    {controllers},
			"a":   {"memory.max: 1000", "memory.current: 900"},
			"a/b": {"memory.max: 1000", "memory.current: 700"},
		}, 900, 1000},
		"v2, the mount is lower": {"0::/a\n", dirs{
			"":  {controllers, "memory.max: 500", "memory.current: 400"},
			"a": {"memory.max: 1000", "memory.current: 300"},
		}, 400, 500},
		"v2, own without accounting": {"0::/a/b\n", dirs{
			"":    {controllers},
			"a":   {"memory.max: 1000", "memory.current: 900"},
			"a/b": {"cgroup.procs: 1"},
		}, 900, 1000},
		"v2, max": {"0::/a\n", dirs{
			"":  {controllers},
			"a": {"memory.max: max", "memory.current: 900"},
		}, 0, 0},
		"v2, the path is the host's": {"0::/kubepods/pod1/c1\n", dirs{
			"": {controllers, "memory.max: 2000", "memory.current: 950", statV2},
		}, 850, 2000},
		"v2, a part of the host's path exists": {"0::/docker/c1\n", dirs{
			"":       {controllers, "memory.max: 2000", "memory.current: 950"},
			"docker": {"memory.max: 1000", "memory.current: 900"},
		}, 950, 2000},
		"v2, own is 0": {"0::/a/b\n", dirs{
			"":    {controllers},
			"a":   {"memory.max: 1000", "memory.current: 900"},
			"a/b": {"memory.max: 0", "memory.current: 900"},
		}, 900, 1000},
		"v2, the path leads out": {"0::/../b\n", dirs{
			"":  {controllers, "memory.max: 2000", "memory.current: 950"},
			"b": {"memory.max: 1", "memory.current: 1"},
		}, 950, 2000},
		"v2, the path leads out and elsewhere": {"0::/../cgroup/b\n", dirs{
			"":  {controllers, "memory.max: 2000", "memory.current: 950"},
			"b": {"memory.max: 1", "memory.current: 1"},
		}, 950, 2000},
		"v2, the path is up": {"0::/..\n", dirs{
			"": {controllers, "memory.max: 2000", "memory.current: 950"},
		}, 950, 2000},
		"v2, the cgroup is deleted": {"0::/b (deleted)\n", dirs{
			"": {controllers, "memory.max: 2000", "memory.current: 950"},
		}, 950, 2000},
		"v2, the path is a file": {"0::/memory.max\n", dirs{
			"": {controllers, "memory.max: 2000", "memory.current: 950"},
		}, 950, 2000},
		"v2, a cgroup is called unified": {"0::/b\n", dirs{
			"":        {controllers},
			"b":       {"memory.max: 2000", "memory.current: 950"},
			"unified": {"memory.max: 1", "memory.current: 1"},
		}, 950, 2000},
		"v2, more cache than use": {"0::/\n", dirs{
			"": {controllers, "memory.max: 2000", "memory.current: 50", statV2},
		}, 0, 2000},
		"v1, own": {"12:cpu,cpuacct:/a\n4:memory:/a\n", dirs{
			"memory":   unlimitedV1,
			"memory/a": {"memory.limit_in_bytes: 2000", "memory.usage_in_bytes: 900", statV1},
		}, 650, 2000},
		"v1, a parent is lower": {"4:memory:/a/b\n", dirs{
			"memory":     unlimitedV1,
			"memory/a":   {"memory.limit_in_bytes: 1000", "memory.usage_in_bytes: 900", statV1},
			"memory/a/b": {"memory.limit_in_bytes: 2000", "memory.usage_in_bytes: 800"},
		}, 650, 1000},
		"v1, in a container": {"4:memory:/docker/abc\n", dirs{
			"memory": {"memory.limit_in_bytes: 2000", "memory.usage_in_bytes: 900", statV1},
		}, 650, 2000},
		"v1, none": {"4:memory:/\n", dirs{"memory": unlimitedV1}, 0, 0},
		"v1, none with pages of 64 KB": {"4:memory:/\n", dirs{
			"memory": {"memory.limit_in_bytes: 9223372036854710272", "memory.usage_in_bytes: 900"},
		}, 0, 0},
		"hybrid, memory in v1": {"5:memory,hugetlb:/a\n1:name=systemd:/b\n0::/b\n", dirs{
			"memory":    unlimitedV1,
			"memory/a":  {"memory.limit_in_bytes: 2000", "memory.usage_in_bytes: 900", statV1},
			"unified":   {"cgroup.controllers: "},
			"unified/b": {"cgroup.procs: 1"},
		}, 650, 2000},
		"hybrid, memory in v2": {"4:cpu:/a\n0::/b\n", dirs{
			"cpu/a":     {"cpu.shares: 1024"},
			"unified":   {controllers},
			"unified/b": {"memory.max: 2000", "memory.current: 950", statV2},
		}, 850, 2000},
		"no files":                {"", nil, 0, 0},
		"no hierarchy is mounted": {"4:memory:/a\n0::/a\n", nil, 0, 0},
		"not a member": {"7:blkio:/\n", dirs{
			"":       {controllers, "memory.max: 2000", "memory.current: 950"},
			"memory": {"memory.limit_in_bytes: 2000", "memory.usage_in_bytes: 900"},
		}, 0, 0},
		"memory in the name": {"1:name=memory:/\n", dirs{
			"memory": {"memory.limit_in_bytes: 2000", "memory.usage_in_bytes: 900"},
		}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			used, limit := findCgroups(machine(test.membership, test.directories)).read()
			require.Equal(t, test.limit, limit)
			require.Equal(t, test.used, used)
		})
	}
}

// Files with unexpected content count as no limit, or as no file cache.
func TestCgroupsMalformed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file, content string
		used, limit   uint64
	}{
		"as it should be":           {"memory.max", "2000\n", 850, 2000},
		"no newline":                {"memory.max", "2000", 850, 2000},
		"limit is empty":            {"memory.max", "", 0, 0},
		"limit is blank":            {"memory.max", "\n", 0, 0},
		"limit is 0":                {"memory.max", "0\n", 0, 0},
		"limit is negative":         {"memory.max", "-1\n", 0, 0},
		"limit is a text":           {"memory.max", "lots\n", 0, 0},
		"limit is a fraction":       {"memory.max", "1.5\n", 0, 0},
		"limit is two numbers":      {"memory.max", "1 2\n", 0, 0},
		"limit is out of range":     {"memory.max", "18446744073709551616\n", 0, 0},
		"limit is too long":         {"memory.max", strings.Repeat("0", 40) + "2000\n", 0, 0},
		"limit just fills a buffer": {"memory.max", strings.Repeat("0", 28) + "2000", 0, 0},
		"usage is empty":            {"memory.current", "", 0, 0},
		"usage is a text":           {"memory.current", "max\nmin\n", 0, 0},
		"stat is empty":             {"memory.stat", "", 950, 2000},
		"stat has no value":         {"memory.stat", "inactive_file\n", 950, 2000},
		"stat has a text":           {"memory.stat", "inactive_file many\n", 950, 2000},
		"stat has another name":     {"memory.stat", "total_inactive_file 100\ninactive_files 100\n", 950, 2000},
		"stat has a long line":      {"memory.stat", strings.Repeat("x", 10_000) + "\ninactive_file 100\n", 950, 2000},
		"stat is long":              {"memory.stat", strings.Repeat("x 1\n", 10_000) + "inactive_file 100\n", 850, 2000},
		"membership is empty":       {"../../../proc/self/cgroup", "", 0, 0},
		"membership is a text":      {"../../../proc/self/cgroup", "none\n:\n", 0, 0},
		"membership has no path":    {"../../../proc/self/cgroup", "0::\n", 0, 0},
		"membership is not UTF-8":   {"../../../proc/self/cgroup", "0::/\xff\x00\n", 850, 2000},
		"membership is a mess":      {"../../../proc/self/cgroup", "0::a/./b//\n\n0:", 850, 2000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := machine("0::/\n", map[string][]string{
				"": {"cgroup.controllers: memory", "memory.max: 2000", "memory.current: 950", statV2},
			})
			name, outside := strings.CutPrefix(test.file, "../../../")
			if !outside {
				name = "sys/fs/cgroup/" + name
			}
			require.Contains(t, files, name)
			files[name] = file(test.content)
			used, limit := findCgroups(files).read()
			require.Equal(t, test.limit, limit)
			require.Equal(t, test.used, used)
		})
	}
}

// Reports read only cgroups that can have a limit.
func TestCgroupsThatCanHaveALimit(t *testing.T) {
	t.Parallel()
	found := findCgroups(machine("0::/a/b\n", map[string][]string{
		"":    {"cgroup.controllers: memory"},
		"a":   {"memory.max: max"},
		"a/b": {"cgroup.procs: 1"},
	}))
	require.Len(t, found.groups, 1)
	require.Equal(t, "sys/fs/cgroup/a/memory.max", found.groups[0].limit)
}

// A limit without a usage is ignored.
func TestCgroupsNoUsage(t *testing.T) {
	t.Parallel()
	used, limit := findCgroups(machine("0::/\n", map[string][]string{
		"": {"cgroup.controllers: memory", "memory.max: 2000"},
	})).read()
	require.Zero(t, limit)
	require.Zero(t, used)
}

// The limits of a running container can change. Its cgroup cannot, so it is found once.
func TestCgroupsChange(t *testing.T) {
	t.Parallel()
	files := machine("0::/\n", map[string][]string{
		"": {"cgroup.controllers: memory", "memory.max: max", "memory.current: 950", statV2},
	})
	found := findCgroups(files)
	delete(files, "proc/self/cgroup")
	_, limit := found.read()
	require.Zero(t, limit)

	files["sys/fs/cgroup/memory.max"] = file("1000\n")
	used, limit := found.read()
	require.Equal(t, uint64(1000), limit)
	require.Equal(t, uint64(850), used)

	delete(files, "sys/fs/cgroup/memory.max")
	_, limit = found.read()
	require.Zero(t, limit, "the cgroup is gone")
}

// This runs on the real machine, with or without limits.
func TestCgroupsOfThisMachine(t *testing.T) {
	t.Parallel()
	used, limit := findCgroups(os.DirFS("/")).read()
	if limit == 0 {
		require.Zero(t, used)
	}
	require.Less(t, limit, uint64(noLimit))
}

// broken is a file system whose files cannot be read.
type broken struct{ fs.FS }

func (b broken) Open(name string) (fs.File, error) {
	f, err := b.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return brokenFile{f}, nil
}

type brokenFile struct{ fs.File }

func (brokenFile) Read([]byte) (int, error) { return 0, fs.ErrPermission }

func TestCgroupsUnreadable(t *testing.T) {
	t.Parallel()
	files := machine("0::/\n", map[string][]string{
		"": {"cgroup.controllers: memory", "memory.max: 2000", "memory.current: 950", statV2},
	})
	require.Empty(t, findCgroups(broken{files}).groups)

	found := findCgroups(files)
	found.files = broken{files}
	_, limit := found.read()
	require.Zero(t, limit)
}

func BenchmarkReadCgroups(b *testing.B) {
	b.ReportAllocs()
	found := findCgroups(os.DirFS("/"))
	for b.Loop() {
		found.read()
	}
}

func FuzzCgroups(f *testing.F) {
	f.Add("0::/a\n", "2000\n", "950\n", "inactive_file 100\n")
	f.Add("4:memory:/a/b\n", "9223372036854771712\n", "950\n", "total_inactive_file 100\n")
	f.Add("0::/../a\n", "max\n", "", "inactive_file\n")
	f.Add("5:cpu,memory:/\n0::/\n", "18446744073709551615", "18446744073709551615", "inactive_file 18446744073709551615")
	f.Fuzz(func(t *testing.T, membership, limit, usage, stat string) {
		files := fstest.MapFS{"proc/self/cgroup": file(membership)}
		for _, dir := range []string{"sys/fs/cgroup/", "sys/fs/cgroup/a/", "sys/fs/cgroup/memory/", "sys/fs/cgroup/memory/a/"} {
			files[dir+"cgroup.controllers"] = file("")
			files[dir+"memory.max"], files[dir+"memory.limit_in_bytes"] = file(limit), file(limit)
			files[dir+"memory.current"], files[dir+"memory.usage_in_bytes"] = file(usage), file(usage)
			files[dir+"memory.stat"] = file(stat)
		}
		found := findCgroups(files)
		for _, group := range found.groups {
			if !strings.HasPrefix(group.limit, "sys/fs/cgroup/") || !fs.ValidPath(group.limit) {
				t.Errorf("%q is outside of the mount", group.limit)
			}
		}
		m := found.memory(runtimeStats{held: 1})
		if m.LimitBytes >= noLimit || math.IsNaN(m.Percentage) || math.IsInf(m.Percentage, 0) {
			t.Errorf("%+v is no memory", m)
		}
		if m.LimitBytes == 0 && m.UsedBytes != 1 {
			t.Errorf("%+v is not that of the runtime", m)
		}
	})
}
