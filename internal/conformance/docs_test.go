package conformance

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

const repository = "../.."

// The pages name only tests that exist.
func TestDocsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	exist := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz|Example)\w*)\(`)
	scenarioName := regexp.MustCompile(`(?:[nN]ame:|\{|\n\t*)\s*"([^"]+)"`) // a field, the first value, or a key
	scenarios := map[string]bool{}
	eachFile(t, "_test.go", func(path, text string) {
		for _, match := range declared.FindAllStringSubmatch(text, -1) {
			exist[match[1]] = true
		}
		if strings.Contains(path, "conformance") || strings.Contains(path, "faults") {
			for _, match := range scenarioName.FindAllStringSubmatch(text, -1) {
				scenarios[match[1]] = true
			}
		}
	})
	named := regexp.MustCompile("`((?:Test|Benchmark|Fuzz|Example)\\w*)(?:/([^`]+))?`")
	count := 0
	var missing []string
	eachFile(t, ".md", func(path, text string) {
		for _, match := range named.FindAllStringSubmatch(text, -1) {
			count++
			if !exist[match[1]] || (match[2] != "" && !scenarios[match[2]]) {
				missing = append(missing, path+": "+match[0])
			}
		}
	})
	require.Empty(t, missing)
	require.NotZero(t, count)
}

// SECURITY.md, which GitHub shows to whoever reports a vulnerability, is linked from the
// README, and names a test in each of its parts about the code.
func TestSecurityNamesTests(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(repository, "README.md"))
	require.NoError(t, err)
	require.Contains(t, string(readme), "](SECURITY.md)")
	page, err := os.ReadFile(filepath.Join(repository, "SECURITY.md"))
	require.NoError(t, err)
	parts := strings.Split(string(page), "\n## ")[1:]
	require.Greater(t, len(parts), 1)
	for _, part := range parts[1:] { // the first one says how to report
		require.Regexp(t, "`(?:Test|Fuzz)\\w+`", part)
	}
}

// eachFile calls read with each file of the repository that has the suffix.
func eachFile(t *testing.T, suffix string, read func(path, text string)) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a concurrent test has removed it
		}
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, suffix) {
			return err
		}
		raw, err := os.ReadFile(path)
		if err == nil {
			read(path, string(raw))
		}
		return err
	}))
}

// The pages name only files that exist.
func TestDocsNameFilesThatExist(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile("`((?:core|adapters|contrib|inngesttest|internal/conformance|internal/faults|examples)/[\\w./-]+\\.go)`")
	var missing []string
	count := 0
	eachFile(t, ".md", func(path, text string) {
		for _, match := range named.FindAllStringSubmatch(text, -1) {
			count++
			if _, err := os.Stat(filepath.Join(repository, match[1])); err != nil {
				missing = append(missing, path+": "+match[1])
			}
		}
	})
	require.Empty(t, missing)
	require.NotZero(t, count)
}

// The pages name the versions of the server that are tested.
func TestDocsNameTheServers(t *testing.T) {
	t.Parallel()
	for page, versions := range map[string][]string{
		"README.md":                     {devserver.OldestVersion, devserver.NewestVersion},
		"CONTRIBUTING.md":               {devserver.OldestVersion, devserver.NewestVersion},
		"docs/servers.md":               {devserver.OldestVersion, devserver.NewestVersion},
		"examples/quickstart/README.md": {devserver.DefaultVersion},
		"examples/tracing/README.md":    {devserver.DefaultVersion},
	} {
		text, err := os.ReadFile(filepath.Join(repository, page))
		require.NoError(t, err)
		for _, version := range versions {
			require.Contains(t, string(text), version, page)
		}
	}
}

// Links between pages have a target. Pages that are shown alone, such as the README of a module,
// name others by their address on GitHub.
func TestDocsLinkToPagesThatExist(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\((?:https://github\.com/inngestkit/inngestkit/(?:blob|tree)/main/([\w./-]+)|([\w-]*[./][\w./-]*))(?:#[\w-]*)?\)`)
	code := regexp.MustCompile("(?s)```.*?```") // the brackets of generic functions look like links
	eachFile(t, ".md", func(path, text string) {
		text = code.ReplaceAllString(text, "")
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target := filepath.Join(repository, match[1])
			if match[2] != "" {
				target = filepath.Join(filepath.Dir(path), match[2])
			}
			_, err := os.Stat(target)
			require.NoError(t, err, "%s: %s", path, match[0])
		}
	})
}
