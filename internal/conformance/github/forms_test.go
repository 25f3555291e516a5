package github_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The forms for issues have what GitHub requires of them.
func TestForms(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(root + "/.github/ISSUE_TEMPLATE/*.yml")
	require.NoError(t, err)
	forms := 0
	for _, file := range files {
		if filepath.Base(file) == "config.yml" {
			continue
		}
		forms++
		form := parse[struct {
			Name        string `yaml:"name"`
			Description string `yaml:"description"`
			Body        []struct {
				Type       string            `yaml:"type"`
				ID         string            `yaml:"id"`
				Attributes map[string]string `yaml:"attributes"`
			} `yaml:"body"`
		}](t, file)
		require.NotEmpty(t, form.Name, file)
		require.NotEmpty(t, form.Description, file)
		ids := map[string]bool{}
		for _, element := range form.Body {
			require.Contains(t, []string{"markdown", "input", "textarea"}, element.Type, file)
			if element.Type == "markdown" {
				require.NotEmpty(t, element.Attributes["value"], file)
				continue
			}
			require.NotEmpty(t, element.Attributes["label"], file)
			require.NotEmpty(t, element.ID, file)
			require.False(t, ids[element.ID], "%s: two elements have the ID %s", file, element.ID)
			ids[element.ID] = true
		}
		require.NotEmpty(t, ids, file)
	}
	require.NotZero(t, forms)
}
