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
	const page = `"database_specific":{"url":"https://pkg.go.dev/vuln/GO-2026-9999"},`
	for name, tc := range map[string]struct {
		database string
		fails    bool
		output   string
	}{
		"in a function that is called": {vulnerable(t, "Transform", page), true, "signing: vulnerabilities are in code that is called"},
		"in another function":          {vulnerable(t, "Untransform", page), false, "no known vulnerability is in code that is called"},
		// govulncheck panics then, and sometimes exits with 0 before the panic ends it.
		"without the page of the vulnerability": {vulnerable(t, "Transform", ""), true, "signing: govulncheck failed"},
		"without a database": {"http://127.0.0.1:1", false,
			"NOT CHECKED for vulnerabilities: the database http://127.0.0.1:1 cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), filepath.Join(root, ".ci", "vulnerabilities"), "core/internal/signing")
			cmd.Env = append(os.Environ(), "GOVULNDB="+tc.database)
			output, err := cmd.CombinedOutput()
			require.Equal(t, tc.fails, err != nil, "%v\n%s", err, output)
			require.Contains(t, string(output), tc.output)
		})
	}
}

// vulnerable returns the URL of a database with a vulnerability in a function of a module that
// core/internal/signing uses, in the format of https://go.dev/doc/security/vuln/database.
func vulnerable(t *testing.T, function, page string) string {
	t.Helper()
	const module, id, modified = "github.com/gowebpki/jcs", "GO-2026-9999", "2026-01-01T00:00:00Z"
	dir := t.TempDir()
	for file, text := range map[string]string{
		"index/db.json":      fmt.Sprintf(`{"modified":%q}`, modified),
		"index/modules.json": fmt.Sprintf(`[{"path":%q,"vulns":[{"id":%q,"modified":%q}]}]`, module, id, modified),
		"ID/" + id + ".json": fmt.Sprintf(`{"schema_version":"1.3.1","id":%[2]q,"modified":%[3]q,"published":%[3]q,
			"summary":"of this test","details":"of this test",%[5]s"affected":[{"package":{"name":%[1]q,"ecosystem":"Go"},
			"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],
			"ecosystem_specific":{"imports":[{"path":%[1]q,"symbols":[%[4]q]}]}}]}`, module, id, modified, function, page),
	} {
		path := filepath.Join(dir, filepath.FromSlash(file))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return "file://" + filepath.ToSlash(dir)
}
