package repository

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/pages"
)

const root = "../../.."

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
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	require.Contains(t, string(readme), "](SECURITY.md)")
	page, err := os.ReadFile(filepath.Join(root, "SECURITY.md"))
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
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
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
			if _, err := os.Stat(filepath.Join(root, match[1])); err != nil {
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
		text, err := os.ReadFile(filepath.Join(root, page))
		require.NoError(t, err)
		for _, version := range versions {
			require.Contains(t, string(text), version, page)
		}
	}
}

// onGitHub begins the links of pages that are shown alone, such as the README of a module.
var onGitHub = regexp.MustCompile(`^https://github\.com/inngestkit/inngestkit/(blob|tree)/main/`)

// Links to pages, and to headings in them, have a target.
func TestDocsLinkToPagesThatExist(t *testing.T) {
	t.Parallel()
	all := allPages(t)
	var broken []string
	count := 0
	for _, page := range all {
		for _, link := range page.Links {
			if strings.Contains(link, "://") && !onGitHub.MatchString(link) {
				continue
			}
			count++
			if reason := brokenLink(all, page.Path, link); reason != "" {
				broken = append(broken, page.Path+": "+link+": "+reason)
			}
		}
	}
	require.Empty(t, broken)
	require.NotZero(t, count)
}

// brokenLink returns what is wrong with a link in a page, if anything is.
func brokenLink(all map[string]pages.Page, from, link string) string {
	file, anchor, hasAnchor := strings.Cut(link, "#")
	target := from
	switch inRepository := onGitHub.ReplaceAllString(file, ""); {
	case inRepository != file:
		target = inRepository
	case file != "":
		target = path.Join(path.Dir(from), file)
	}
	if _, err := os.Stat(filepath.Join(root, target)); err != nil {
		return "no such file"
	}
	if page, ok := all[target]; hasAnchor && (!ok || !page.Anchors[anchor]) {
		return "no such heading"
	}
	return ""
}

func TestBrokenLinksAreFound(t *testing.T) {
	t.Parallel()
	all := allPages(t)
	for link, want := range map[string]string{
		"steps.md#run":           "",
		"#features":              "",
		"../README.md":           "",
		"../examples/quickstart": "",
		"https://github.com/inngestkit/inngestkit/blob/main/docs/steps.md#run":  "",
		"https://github.com/inngestkit/inngestkit/blob/main/docs/steps.md#walk": "no such heading",
		"https://github.com/inngestkit/inngestkit/tree/main/examples/gone":      "no such file",
		"steps.md#walk":             "no such heading",
		"#gone":                     "no such heading",
		"gone.md#run":               "no such file",
		"../examples/quickstart#up": "no such heading",
	} {
		require.Equal(t, want, brokenLink(all, "docs/features.md", link), link)
	}
}

// allPages returns the pages of the repository by their paths in it.
func allPages(t *testing.T) map[string]pages.Page {
	t.Helper()
	all := map[string]pages.Page{}
	eachFile(t, ".md", func(name, text string) {
		name, err := filepath.Rel(root, name)
		require.NoError(t, err)
		name = filepath.ToSlash(name)
		all[name] = pages.Parse(name, []byte(text))
	})
	return all
}
