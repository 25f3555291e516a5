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

// noLimit is the smallest value that means "unlimited". Version 1 uses the highest
// multiple of the page size below 2^63, which differs between machines.
const noLimit = 1 << 62

// A cgroup holds the paths of the files about the memory of one cgroup.
type cgroup struct {
	// limit and usage name files that hold a number. stat names one with a line for
	// each of many numbers.
	limit, usage, stat string
	// inactiveFile is the name in stat of the file cache that has not been used
	// recently.
	inactiveFile string
}

// cgroups are the cgroups of this process that can have a limit, the outermost first.
// The list is read once, as a process rarely moves. The limits are read each time,
// because limits of running containers change.
type cgroups struct {
	files  fs.FS
	groups []cgroup
}

// processCgroups returns the cgroups of this process. On systems other than Linux the
// files do not exist, and the list is empty.
var processCgroups = sync.OnceValue(func() cgroups { return findCgroups(os.DirFS("/")) })

// findCgroups finds the cgroups of this process where systemd and container runtimes
// mount them. On a machine with both versions, only one of them controls the memory;
// the other lacks the files.
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
	// The root cgroup, and a cgroup without memory accounting, cannot have a limit.
	c.groups = slices.DeleteFunc(c.groups, func(g cgroup) bool {
		_, err := fs.Stat(files, g.limit)
		return err != nil
	})
	return c
}

// mountV2 returns the mount point of version 2, which is below "unified" if version 1
// is mounted, too.
func mountV2(files fs.FS) string {
	const mount = "sys/fs/cgroup"
	if _, err := fs.Stat(files, mount+"/cgroup.controllers"); err == nil {
		return mount
	}
	return mount + "/unified"
}

// parseMembership parses /proc/self/cgroup, with lines such as "4:cpu,memory:/a" for
// version 1 and "0::/a" for version 2. It returns the paths of the cgroups, "" if
// absent.
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

// directories returns the directories of a cgroup and its ancestors, starting with the
// mount. It returns nil if the cgroup is "".
//
// In a container, the mount may be the container's own cgroup while the path is the
// host's. Then the path does not exist, or leads outside of the container's view
// ("/../a"), and directories returns only the mount.
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

// read returns the lowest limit and the memory that counts against it, or zeros without
// a limit. If several cgroups have the same limit, the outermost one is used, because
// it includes the others.
//
// A file that cannot be read or parsed counts as no limit, because a health check must
// not fail for it.
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

// number reads a file that holds a number or "max".
func (c cgroups) number(name string) (uint64, error) {
	file, err := c.files.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	var buffer [32]byte // the highest number and its newline are 21
	n, err := io.ReadFull(file, buffer[:])
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, fs.ErrInvalid // empty, too long or unreadable
	}
	return parseNumber(buffer[:n])
}

// parseNumber parses a number of bytes. For "max" it returns noLimit.
func parseNumber(text []byte) (uint64, error) {
	text = bytes.TrimSpace(text)
	if string(text) == "max" {
		return noLimit, nil
	}
	return strconv.ParseUint(string(text), 10, 64)
}

// inactive returns the part of a cgroup's usage that the kernel reclaims when it needs
// memory, or 0 if unknown.
func (c cgroups) inactive(group cgroup) uint64 {
	file, err := c.files.Open(group.stat)
	if err != nil {
		return 0
	}
	defer func() { _ = file.Close() }()
	return parseStat(file, group.inactiveFile)
}

// parseStat returns the value of a name in memory.stat, which has lines such as "name
// 123", or 0 if the name is absent.
func parseStat(stat io.Reader, name string) uint64 {
	const longest = 4096 // bytes; lines are shorter than 64, and the whole file usually fits
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
