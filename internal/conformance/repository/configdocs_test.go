package repository

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

var inBackquotes = regexp.MustCompile("`([^`]+)`")

// optionsTable returns the documented options: each field with its variables.
func optionsTable(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "configuration.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## Options\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	options := map[string][]string{}
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 || !strings.HasPrefix(line, "| `") {
			require.False(t, strings.HasPrefix(line, "| `"), "a row with a different number of cells: %s", line)
			continue
		}
		field := strings.Trim(cells[1], " `")
		require.NotContains(t, options, field)
		options[field] = []string{}
		for _, variable := range inBackquotes.FindAllStringSubmatch(cells[2], -1) {
			options[field] = append(options[field], variable[1])
		}
	}
	return options
}

// The documentation lists every field and every variable, and each variable sets the
// field of its row.
func TestConfigurationIsDocumented(t *testing.T) {
	t.Parallel()
	documented := optionsTable(t)
	config := reflect.TypeFor[inngestkit.Config]()
	for _, field := range reflect.VisibleFields(config) {
		require.Contains(t, documented, field.Name)
	}
	require.Len(t, documented, config.NumField())

	read := map[string]bool{}
	_, err := inngestkit.ConfigFrom(t.Context(), func(_ context.Context, variable string) (string, bool, error) {
		read[variable] = true
		return "", false, nil
	})
	require.NoError(t, err)
	for field, variables := range documented {
		for _, variable := range variables {
			require.True(t, sets(t, variable, field), "%s does not set %s", variable, field)
			delete(read, variable)
		}
	}
	require.Empty(t, read, "variables that are read but not documented")
}

// sets reports whether some value of variable sets field.
func sets(t *testing.T, variable, field string) bool {
	t.Helper()
	for _, value := range []string{"1", "true", "https://shop.test", "/x"} {
		config, err := inngestkit.ConfigFrom(t.Context(), func(_ context.Context, v string) (string, bool, error) {
			return value, v == variable, nil
		})
		if err == nil && !reflect.ValueOf(config).FieldByName(field).IsZero() {
			return true
		}
	}
	return false
}
