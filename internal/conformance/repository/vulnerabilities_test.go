package repository

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// CI fails if a vulnerability is in a function that is called, and only then. If the database
// cannot be reached, it says that nothing was checked.
func TestVulnerabilitiesFailCI(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		database string
		fails    bool
		output   string
	}{
		"in a function that is called": {vulnerable(t, "Transform"), true, "GO-2026-9999"},
		"in another function":          {vulnerable(t, "Untransform"), false, "no known vulnerability is in code that is called"},
		"without a database": {"http://127.0.0.1:1", false,
			"NOT CHECKED for vulnerabilities: the database http://127.0.0.1:1 cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var output []byte
			var err error
			// In 2 of 130 runs, on a busy machine, govulncheck itself found nothing in the code
			// with the vulnerability.
			for attempt := 0; attempt < 3 && (err != nil) != tc.fails || attempt == 0; attempt++ {
				cmd := exec.CommandContext(t.Context(), filepath.Join(root, ".ci", "vulnerabilities"), "core/internal/signing")
				cmd.Env = append(os.Environ(), "GOVULNDB="+tc.database)
				output, err = cmd.CombinedOutput()
				t.Logf("%v\n%s", err, output)
			}
			require.Equal(t, tc.fails, err != nil)
			require.Contains(t, string(output), tc.output)
		})
	}
}

// vulnerable returns the URL of a database with a vulnerability in a function of a module that
// core/internal/signing uses, in the format of https://go.dev/doc/security/vuln/database.
func vulnerable(t *testing.T, function string) string {
	t.Helper()
	const module, id, modified = "github.com/gowebpki/jcs", "GO-2026-9999", "2026-01-01T00:00:00Z"
	dir := t.TempDir()
	for file, text := range map[string]string{
		"index/db.json":      fmt.Sprintf(`{"modified":%q}`, modified),
		"index/modules.json": fmt.Sprintf(`[{"path":%q,"vulns":[{"id":%q,"modified":%q}]}]`, module, id, modified),
		"ID/" + id + ".json": fmt.Sprintf(`{"schema_version":"1.3.1","id":%[2]q,"modified":%[3]q,"published":%[3]q,
			"summary":"of this test","details":"of this test","affected":[{"package":{"name":%[1]q,"ecosystem":"Go"},
			"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],
			"ecosystem_specific":{"imports":[{"path":%[1]q,"symbols":[%[4]q]}]}}]}`, module, id, modified, function),
	} {
		path := filepath.Join(dir, filepath.FromSlash(file))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return "file://" + filepath.ToSlash(dir)
}
