package deploy

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/coreos/go-systemd/v22/unit"
	"github.com/stretchr/testify/require"
)

// longForm also runs what needs programs that a fresh machine lacks: systemd-analyze,
// PostgreSQL and Redis.
var longForm = flag.Bool("deploy.long", false, "run also what needs systemd-analyze, PostgreSQL and Redis")

// unitOptions returns the options of the unit, by section and name.
func unitOptions(t *testing.T) map[string]string {
	t.Helper()
	parsed, err := unit.DeserializeOptions(bytes.NewReader(read(t, "systemd/reports.service")))
	require.NoError(t, err)
	options := map[string]string{}
	for _, o := range parsed {
		require.NotContains(t, options, o.Section+"."+o.Name)
		options[o.Section+"."+o.Name] = o.Value
	}
	return options
}

// The unit gives the program the time that the variables grant, takes away every privilege, and
// starts it again.
func TestUnit(t *testing.T) {
	t.Parallel()
	options := unitOptions(t)
	env, err := dotenv.Read(filepath.Join(directory, "systemd", "reports.env.example"))
	require.NoError(t, err)
	stopsIn := time.Duration(0)
	for _, variable := range []string{"DRAIN_PAUSE", "DRAIN_TIMEOUT"} {
		d, err := time.ParseDuration(env[variable])
		require.NoError(t, err)
		stopsIn += d
	}
	limit, err := time.ParseDuration(options["Service.TimeoutStopSec"])
	require.NoError(t, err)
	require.Greater(t, limit, stopsIn)
	for name, want := range map[string]string{
		"EnvironmentFile": "/etc/reports/env", "ExecStart": "/usr/local/bin/reports", "Restart": "always", "DynamicUser": "yes",
		"NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "ProtectSystem": "strict", "SystemCallFilter": "@system-service",
	} {
		require.Equal(t, want, options["Service."+name], name)
	}
	require.NotContains(t, options, "Service.KillSignal", "the program stops on SIGTERM")
}

// systemd knows each option, and counts the unit among those that are hard to attack.
func TestUnitWithSystemd(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		require.False(t, *longForm, "the program systemd-analyze is missing; install it: apt-get install systemd")
		t.Log("not verified by systemd-analyze, which this machine lacks; the long form needs it")
		return
	}
	text := strings.ReplaceAll(string(read(t, "systemd/reports.service")), "/usr/local/bin/reports", "/bin/sh") // a program that exists
	path := filepath.Join(t.TempDir(), "reports.service")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	for _, args := range [][]string{{"verify", path}, {"security", "--offline=true", "--threshold=20", path}} {
		out, err := exec.CommandContext(t.Context(), analyze, args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		if args[0] == "verify" {
			require.Empty(t, string(out)) // of unknown options it only warns
		}
	}
}
