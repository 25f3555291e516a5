package repository

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A source is what commands in the pages can name.
type source struct {
	tests       map[string][]string // the names of the tests in each directory
	flags       map[string][]flagOf // that code declares, by their names
	mains       map[string]bool     // the directories of programs
	programs    map[string]bool     // the names of these
	packages    map[string]bool     // the directories of packages
	directories map[string]bool     // at the top
	variables   map[string]bool     // that code reads: INNGEST_…
	modules     []string            // the paths of the workspace's modules
	core        string              // core's go.mod
}

type flagOf struct {
	dir       string
	isBoolean bool
}

var (
	testName  = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)
	flagName  = regexp.MustCompile(`\bflags?\.(\w+?)(?:Var)?\((?:&[\w.]+, )?"([\w.]+)"`)
	mainName  = regexp.MustCompile(`(?m)^package main$`)
	variables = regexp.MustCompile(`INNGEST_[A-Z_]+`)
)

func readSource(t *testing.T) *source {
	t.Helper()
	s := &source{
		tests: map[string][]string{}, flags: map[string][]flagOf{}, mains: map[string]bool{}, programs: map[string]bool{},
		packages: map[string]bool{}, directories: map[string]bool{}, variables: map[string]bool{},
	}
	eachFile(t, ".go", func(name, text string) {
		name, err := filepath.Rel(root, name)
		require.NoError(t, err)
		name = filepath.ToSlash(name)
		dir := path.Dir(name)
		s.packages[dir] = true
		top, _, _ := strings.Cut(name, "/")
		s.directories[top] = true
		if mainName.MatchString(text) {
			s.mains[dir], s.programs[path.Base(dir)] = true, true
		}
		for _, match := range flagName.FindAllStringSubmatch(text, -1) {
			s.flags[match[2]] = append(s.flags[match[2]], flagOf{dir, match[1] == "Bool"})
		}
		if strings.HasSuffix(name, "_test.go") {
			for _, match := range testName.FindAllStringSubmatch(text, -1) {
				s.tests[dir] = append(s.tests[dir], match[1])
			}
			return
		}
		for _, variable := range variables.FindAllString(text, -1) {
			s.variables[variable] = true
		}
	})
	eachFile(t, "go.mod", func(_, text string) {
		line, _, _ := strings.Cut(text, "\n")
		s.modules = append(s.modules, strings.TrimPrefix(line, "module "))
	})
	core, err := os.ReadFile(filepath.Join(root, "core", "go.mod"))
	require.NoError(t, err)
	s.core, s.directories["deploy"] = string(core), true
	return s
}

// goFlags are the go command's own, and whether they are boolean.
var goFlags = map[string]bool{
	"race": true, "v": true, "short": true, "json": true, "trimpath": true, "tool": true, "u": true, "benchmem": true,
	"run": false, "bench": false, "benchtime": false, "count": false, "cpu": false, "timeout": false, "parallel": false, "p": false,
	"fuzz": false, "fuzztime": false, "fuzzminimizetime": false, "tags": false, "ldflags": false, "o": false,
}

// checkGo returns what is wrong with the arguments of a go command on a page in a directory.
func (s *source) checkGo(page string, args []string) error {
	command, args := args[0], args[1:]
	switch command {
	case "run":
		return s.checkGoRun(args)
	case "tool": // go get -tool has added it
		return s.checkGoRun(append([]string{"inngesttest/cmd/" + args[0]}, args[1:]...))
	case "mod", "work", "version", "env":
		return nil
	}
	flags, own, rest, err := s.splitFlags(args)
	if err != nil {
		return err
	}
	if command == "get" || command == "install" {
		return s.checkModules(rest)
	}
	var dirs []string
	for _, pattern := range rest {
		matched := s.match(page, pattern)
		if len(matched) == 0 {
			return fmt.Errorf("no package matches %s", pattern)
		}
		dirs = append(dirs, matched...)
	}
	for _, name := range own {
		if !slices.ContainsFunc(s.flags[name], func(f flagOf) bool { return slices.Contains(dirs, f.dir) }) {
			return fmt.Errorf("none of these packages has a flag -%s", name)
		}
	}
	for _, name := range []string{"run", "bench", "fuzz"} {
		if err := s.checkPattern(flags[name], dirs); err != nil {
			return err
		}
	}
	return nil
}

// splitFlags splits the arguments of a go command into its own flags with their values, flags
// of the tests, and the rest.
func (s *source) splitFlags(args []string) (flags map[string]string, own, rest []string, err error) {
	flags = map[string]string{}
	for i := 0; i < len(args); i++ {
		name, isFlag := strings.CutPrefix(args[i], "-")
		if !isFlag {
			rest = append(rest, args[i])
			continue
		}
		name, value, hasValue := strings.Cut(name, "=")
		isBoolean, known := goFlags[name]
		if !known {
			declared := s.flags[name]
			if len(declared) == 0 {
				return nil, nil, nil, fmt.Errorf("unknown flag -%s", name)
			}
			own, isBoolean = append(own, name), declared[0].isBoolean
		}
		if !isBoolean && !hasValue && i+1 < len(args) {
			i++
			value = args[i]
		}
		flags[name] = value
	}
	return flags, own, rest, nil
}

// checkGoRun checks that a program exists and has the flags.
func (s *source) checkGoRun(args []string) error {
	if len(args) == 0 || args[0] == "." {
		return nil
	}
	dir := path.Clean(args[0])
	if !s.packages[dir] {
		return fmt.Errorf("no package is in %s", args[0])
	}
	if !s.mains[dir] {
		return fmt.Errorf("%s is not a program", args[0])
	}
	for _, arg := range args[1:] {
		name, isFlag := strings.CutPrefix(arg, "-")
		isOwn := func(f flagOf) bool { return f.dir == dir || strings.HasPrefix(f.dir, dir+"/") }
		if isFlag && !slices.ContainsFunc(s.flags[name], isOwn) {
			return fmt.Errorf("%s has no flag -%s", dir, name)
		}
	}
	return s.checkFiles(args[1:])
}

// checkModules checks that packages are the workspace's, or those that core requires.
func (s *source) checkModules(packages []string) error {
	for _, name := range packages {
		name, version, hasVersion := strings.Cut(name, "@")
		if slices.Contains(s.modules, name) || name == "./..." || s.packages[strings.TrimPrefix(name, modules)] {
			continue
		}
		if !hasVersion {
			return fmt.Errorf("no module is %s", name)
		}
		if !strings.Contains(s.core, name+" "+version+"\n") {
			return fmt.Errorf("core requires another version of %s than %s", name, version)
		}
	}
	return nil
}

// match returns the directories of packages that a pattern of the go command means, at the top
// of the repository or in the directory of a page.
func (s *source) match(page, pattern string) []string {
	all := slices.Sorted(maps.Keys(s.packages))
	if pattern == "work" || pattern == "." {
		return all
	}
	dir, below := strings.CutSuffix(path.Clean(pattern), "...")
	dir = strings.TrimSuffix(dir, "/")
	if dir == "" {
		dir = page
	}
	return slices.DeleteFunc(all, func(name string) bool {
		return name != dir && (!below || !strings.HasPrefix(name, dir+"/"))
	})
}

// checkPattern checks that each alternative of the pattern of -run, -bench or -fuzz matches
// tests in directories.
func (s *source) checkPattern(pattern string, dirs []string) error {
	if pattern == "" || pattern == "^$" || pattern == "." {
		return nil
	}
	var names []string
	for _, dir := range dirs {
		names = append(names, s.tests[dir]...)
	}
	for alternative := range strings.SplitSeq(pattern, "|") {
		test, _, _ := strings.Cut(alternative, "/")
		expression, err := regexp.Compile(test)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(names, expression.MatchString) {
			return fmt.Errorf("no test matches %q", test)
		}
	}
	return nil
}
