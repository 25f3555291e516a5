package repository

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// docs/from-nestjs-inngest.md has a row for each heading and each block of code of the README of
// nestjs-inngest, in its order, and each row links to where that is here. The headings are in testdata.
func TestDocsCoverNestjsInngest(t *testing.T) {
	t.Parallel()
	headings, err := os.ReadFile("testdata/nestjs-inngest-headings.txt")
	require.NoError(t, err)
	page, err := os.ReadFile(filepath.Join(root, "docs/from-nestjs-inngest.md"))
	require.NoError(t, err)
	names, chapters, found := strings.Cut(string(page), "\n## Its README, chapter by chapter\n")
	require.True(t, found)

	var want, have []string
	blocks := 0
	for line := range strings.Lines(string(headings)) {
		_, title, isHeading := strings.Cut(strings.TrimSpace(line), " ")
		if isHeading {
			blocks = 0
			want = append(want, "**"+title+"**")
			continue
		}
		blocks++
		want = append(want, fmt.Sprint("code ", blocks))
	}
	for _, row := range tableRows(chapters) {
		have = append(have, row[0])
		require.Regexp(t, `\]\([^)]+\)`, row[1], row[0])
	}
	require.Equal(t, want, have)
	for _, row := range tableRows(names) {
		require.NotContains(t, row, "")
	}
}

var (
	tableRow  = regexp.MustCompile(`(?m)^\| (.*?) \| (.*) ?\|$`)
	tableHead = regexp.MustCompile(`(?m)^\|.*\n\|[-|]+$`)
)

// tableRows returns the cells of the tables with two columns in a text, without their heads.
func tableRows(text string) (rows [][]string) {
	for _, row := range tableRow.FindAllStringSubmatch(tableHead.ReplaceAllString(text, ""), -1) {
		rows = append(rows, []string{strings.TrimSpace(row[1]), strings.TrimSpace(row[2])})
	}
	return rows
}
