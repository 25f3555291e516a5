package repository

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/inngestkit/inngestkit/internal/conformance/pages"
)

// checkedElsewhere are the languages of blocks that other tests execute.
var checkedElsewhere = map[string]string{
	"go":   "TestSnippetsCompile, TestSnippetsRun",
	"sh":   "TestDocsCommands",
	"text": "what programs print; TestTroubleshooting compares messages",
}

// Each block of each page is checked by a test, or states why not: <!-- not run: the reason -->.
func TestDocsBlocksAreChecked(t *testing.T) {
	t.Parallel()
	var mistakes []error
	for _, page := range allPages(t) {
		for _, block := range page.Blocks {
			if block.Reason != "" {
				t.Logf("%s is not executed: %s", block.Where(), block.Reason)
			}
			if err := checkBlock(block); err != nil {
				mistakes = append(mistakes, fmt.Errorf("%s: %w", block.Where(), err))
			}
		}
	}
	require.NoError(t, errors.Join(mistakes...))
}

// checkBlock checks that the data in a block is well-formed. It returns an error for a
// language that no test checks.
func checkBlock(block pages.Block) error {
	switch block.Language {
	case "json":
		return json.Unmarshal([]byte(block.Text), new(any))
	case "yaml":
		return checkYAML(block.Text)
	}
	if block.Language == "" {
		return errors.New("the fence names no language: sh for commands, text for what programs print")
	}
	if checkedElsewhere[block.Language] == "" && block.Reason == "" {
		return fmt.Errorf("no test checks the language %q, and no comment says why", block.Language)
	}
	return nil
}

func checkYAML(text string) error {
	for decoder := yaml.NewDecoder(strings.NewReader(text)); ; {
		if err := decoder.Decode(new(any)); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

func TestBlocksThatAreWrong(t *testing.T) {
	t.Parallel()
	for page, want := range map[string]string{
		"```yaml\na: [\n```":                                  "yaml",
		"```yaml\na: 1\na: 2\n```":                            "already defined",
		"```yaml\na: 1\n---\n\tb\n```":                        "yaml",
		"```json\n{\"a\":}\n```":                              "invalid character",
		"```go unchecked\nx\n```":                             `"go unchecked"`,
		"```\nx\n```":                                         "no language",
		"```python\nx\n```":                                   `"python"`,
		"```yaml\na: 1\n---\nb: 2\n```":                       "",
		"<!-- not run: it is not Go -->\n\n```python\nx\n```": "",
	} {
		blocks := pages.Parse("page.md", []byte(page)).Blocks
		require.Len(t, blocks, 1, page)
		err := checkBlock(blocks[0])
		if want == "" {
			require.NoError(t, err, page)
			continue
		}
		require.ErrorContains(t, err, want, page)
	}
}
