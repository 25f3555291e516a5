package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// kubectl records its arguments and what it gets, and fails if its arguments begin with FAIL.
const kubectl = `#!/bin/sh
echo "kubectl $*" >> "$RECORD/commands"
case "$1" in
apply) cat "$3" >> "$RECORD/manifests" ;;
create) cat >> "$RECORD/manifests"; echo job.batch/reports-sync-abc ;;
esac
case "$*" in "$FAIL"*) exit 1 ;; esac
`

// The functions are announced after the rollout and the pause of the old pods, by the same
// image, and only if the rollout has succeeded.
func TestRollout(t *testing.T) {
	t.Parallel()
	pause := readManifests(t).container().Lifecycle.PreStop.Sleep.Seconds
	commands := []string{
		"kubectl apply --filename ",
		"kubectl rollout status --namespace reports deployment/reports ",
		fmt.Sprintf("sleep %d", pause),
		"kubectl create --output name --filename -",
		"kubectl wait --namespace reports --for condition=complete job.batch/reports-sync-abc ",
	}
	for name, tc := range map[string]struct {
		fail string
		want []string
	}{
		"all is well":      {"nothing", commands},
		"not applied":      {"apply", commands[:1]},
		"not rolled out":   {"rollout status", commands[:2]},
		"sync not created": {"create", commands[:4]},
		"sync fails":       {"wait", commands},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bin, record := t.TempDir(), t.TempDir()
			for program, text := range map[string]string{"kubectl": kubectl, "sleep": "#!/bin/sh\necho \"sleep $*\" >> \"$RECORD/commands\"\n"} {
				require.NoError(t, os.WriteFile(filepath.Join(bin, program), []byte(text), 0o700))
			}
			cmd := exec.CommandContext(t.Context(), filepath.Join(directory, "kubernetes", "rollout.sh"), "example.com/reports:1.2.3")
			cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "RECORD=" + record, "FAIL=" + tc.fail, "TMPDIR=" + record}
			out, err := cmd.CombinedOutput()
			require.Equal(t, tc.fail == "nothing", err == nil, "%s", out)

			ran, err := os.ReadFile(filepath.Join(record, "commands"))
			require.NoError(t, err)
			lines := strings.Split(strings.TrimSpace(string(ran)), "\n")
			require.Len(t, lines, len(tc.want), "%s", ran)
			for i, line := range lines {
				require.Truef(t, strings.HasPrefix(line, tc.want[i]), "%q is not %q", line, tc.want[i])
			}
			sent, err := os.ReadFile(filepath.Join(record, "manifests"))
			require.NoError(t, err)
			require.NotContains(t, string(sent), "registry.example.com")
			if tc.fail == "nothing" {
				require.Equal(t, 2, strings.Count(string(sent), "image: example.com/reports:1.2.3"))
				require.Equal(t, 6, strings.Count(string(sent), "---\n"), "one document for each file")
			}
			left, err := filepath.Glob(filepath.Join(record, "tmp*"))
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// Without an image, nothing is deployed.
func TestRolloutWithoutAnImage(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), filepath.Join(directory, "kubernetes", "rollout.sh")).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "the image is missing")
}
