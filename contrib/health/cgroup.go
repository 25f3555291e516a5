package inngesthealth

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// noLimit is from where on a limit is none. Version 1 says so with the highest number
// of whole pages below 2^63, which depends on the size of a page.
const noLimit = 1 << 62

// cgroup is where to read about the memory of a cgroup.
type cgroup struct {
	// limit and usage are files with a number, stat has a line for each of many.
	limit, usage, stat string
	// inactiveFile is the name in stat of the file cache that has not been used lately.
	inactiveFile string
}

// cgroups are those that this process is in and that can have a limit, the outermost
// first. They are the same for the life of a process, unless someone moves it; their
// limits are not: those of containers are changed while they run.
type cgroups struct {
	files  fs.FS
	groups []cgroup
}

// processCgroups are the cgroups of this process. Where there are none, as on other
// systems than Linux, there are no such files either.
var processCgroups = sync.OnceValue(func() cgroups { return findCgroups(os.DirFS("/")) })

// findCgroups finds the cgroups of this process at the places where systemd and the
// container runtimes mount them. With both versions on a machine, the memory is in only
// one of them, and the other has no such files.
func findCgroups(files fs.FS) cgroups {
	c := cgroups{files: files}
	membership, err := fs.ReadFile(files, "proc/self/cgroup")
	if err != nil {
		return c
	}
	v1, v2 := parseMembership(string(membership))
	for _, dir := range directories(files, "sys/fs/cgroup/memory", v1) {
		c.groups = append(c.groups, cgroup{
			limit: dir + "/memory.limit_in_bytes", usage: dir + "/memory.usage_in_bytes",
			stat: dir + "/memory.stat", inactiveFile: "total_inactive_file",
		})
	}
	for _, dir := range directories(files, mountV2(files), v2) {
		c.groups = append(c.groups, cgroup{
			limit: dir + "/memory.max", usage: dir + "/memory.current",
			stat: dir + "/memory.stat", inactiveFile: "inactive_file",
		})
	}
	// That of the whole machine cannot have a limit, nor one without accounting.
	c.groups = slices.DeleteFunc(c.groups, func(g cgroup) bool {
		_, err := fs.Stat(files, g.limit)
		return err != nil
	})
	return c
}

// mountV2 is where the hierarchy of version 2 is: beside those of version 1 if
// there are any.
func mountV2(files fs.FS) string {
	const mount = "sys/fs/cgroup"
	if _, err := fs.Stat(files, mount+"/cgroup.controllers"); err == nil {
		return mount
	}
	return mount + "/unified"
}

// parseMembership parses /proc/self/cgroup, with lines like "4:cpu,memory:/a" of
// version 1 and "0::/a" of version 2: the paths of the cgroups, "" where there is none.
func parseMembership(text string) (v1, v2 string) {
	for line := range strings.Lines(text) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		switch {
		case len(fields) < 3:
		case fields[0] == "0" && fields[1] == "":
			v2 = fields[2]
		case slices.Contains(strings.Split(fields[1], ","), "memory"):
			v1 = fields[2]
		}
	}
	return v1, v2
}

// directories are those of a cgroup and of all around it, from the mount on; none if
// the cgroup is "".
//
// In a container the mount may be the container's own cgroup while the path is the
// host's. It then does not exist, or leads out of what the container sees ("/../a"):
// what is left is the mount.
func directories(files fs.FS, mount, cgroup string) []string {
	if cgroup == "" {
		return nil
	}
	dirs := []string{mount}
	if slices.Contains(strings.Split(cgroup, "/"), "..") {
		return dirs
	}
	if _, err := fs.Stat(files, path.Join(mount, cgroup)); err != nil {
		return dirs
	}
	for name := range strings.FieldsFuncSeq(cgroup, func(r rune) bool { return r == '/' }) {
		dirs = append(dirs, path.Join(dirs[len(dirs)-1], name))
	}
	return dirs
}

// read is the lowest limit there is, 0 if there is none, and what is used of it. Of
// cgroups with the same limit the outermost has it, as all inside counts there.
//
// A file that cannot be read, or has something else in it than it should have, is as
// good as no limit: a health check must not fail for it.
func (c cgroups) read() (used, limit uint64) {
	var lowest cgroup
	for _, group := range c.groups {
		l, err := c.number(group.limit)
		if err != nil || l == 0 || l >= noLimit || limit != 0 && l >= limit {
			continue
		}
		lowest, limit = group, l
	}
	if limit == 0 {
		return 0, 0
	}
	used, err := c.number(lowest.usage)
	if err != nil {
		return 0, 0
	}
	return minus(used, c.inactive(lowest)), limit
}

// number reads a file with a number, or with "max", which is none.
func (c cgroups) number(name string) (uint64, error) {
	file, err := c.files.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	var buffer [32]byte // the highest number and its newline are 21
	n, err := io.ReadFull(file, buffer[:])
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, fs.ErrInvalid // empty, too long or not to be read
	}
	return parseNumber(buffer[:n])
}

// parseNumber parses a number of bytes. It is noLimit for "max".
func parseNumber(text []byte) (uint64, error) {
	text = bytes.TrimSpace(text)
	if string(text) == "max" {
		return noLimit, nil
	}
	return strconv.ParseUint(string(text), 10, 64)
}

// inactive is the part of what a cgroup uses that the kernel drops when it needs the
// memory; 0 if that is not known.
func (c cgroups) inactive(group cgroup) uint64 {
	file, err := c.files.Open(group.stat)
	if err != nil {
		return 0
	}
	defer func() { _ = file.Close() }()
	return parseStat(file, group.inactiveFile)
}

// parseStat is the number of a name in memory.stat, with lines like "name 123"; 0 if it
// is not there.
func parseStat(stat io.Reader, name string) uint64 {
	const longest = 4096 // the whole file as a rule, whose lines are below 64
	lines := bufio.NewScanner(stat)
	lines.Buffer(make([]byte, longest), longest)
	for lines.Scan() {
		key, value, _ := bytes.Cut(lines.Bytes(), []byte(" "))
		if string(key) != name {
			continue
		}
		number, err := strconv.ParseUint(string(value), 10, 64)
		if err != nil {
			return 0
		}
		return number
	}
	return 0
}
