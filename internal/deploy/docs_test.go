package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/stretchr/testify/require"
)

// docs/deployment.md has the numbers of the files.
func TestNumbersAreDocumented(t *testing.T) {
	t.Parallel()
	m, unit := readManifests(t), unitOptions(t)
	env, err := dotenv.Read(filepath.Join(directory, "systemd", "reports.env.example"))
	require.NoError(t, err)
	project, err := loadCompose(t, "compose.yaml", realEnv(t))
	require.NoError(t, err)
	app, ready := project.Services["app"], m.container().ReadinessProbe
	seconds := func(text string) float64 {
		d, err := time.ParseDuration(text)
		require.NoError(t, err)
		return d.Seconds()
	}
	page, err := os.ReadFile(filepath.Join(directory, "..", "docs", "deployment.md"))
	require.NoError(t, err)
	has := m.container().Resources
	for _, row := range []string{
		fmt.Sprintf("| `requests` of %s and %s |", has.Requests.Cpu(), has.Requests.Memory()),
		fmt.Sprintf("| a memory limit of %s, no CPU limit |", has.Limits.Memory()),
		fmt.Sprintf("| `preStop` of %d s |", m.container().Lifecycle.PreStop.Sleep.Seconds),
		fmt.Sprintf("| Kubernetes | `preStop`, %d s: readiness takes %d s × %d | `DRAIN_TIMEOUT`, %.0f s | `terminationGracePeriodSeconds`, %d s |",
			m.container().Lifecycle.PreStop.Sleep.Seconds, ready.PeriodSeconds, ready.FailureThreshold,
			seconds(m.config.Data["DRAIN_TIMEOUT"]), *m.deployment.Spec.Template.Spec.TerminationGracePeriodSeconds),
		fmt.Sprintf("| systemd | `DRAIN_PAUSE`, %.0f s, behind a load balancer | `DRAIN_TIMEOUT`, %.0f s | `TimeoutStopSec`, %.0f s |",
			seconds(env["DRAIN_PAUSE"]), seconds(env["DRAIN_TIMEOUT"]), seconds(unit["Service.TimeoutStopSec"])),
		fmt.Sprintf("| Compose | none: it has one instance | `DRAIN_TIMEOUT`, %.0f s | `stop_grace_period`, %.0f s |",
			seconds(value(app, "DRAIN_TIMEOUT")), time.Duration(*app.StopGracePeriod).Seconds()),
	} {
		if !strings.Contains(string(page), row) { // require.Contains would print the whole page
			require.Fail(t, "docs/deployment.md lacks a row", row)
		}
	}
}
