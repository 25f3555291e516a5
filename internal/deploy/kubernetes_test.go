package deploy

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/intstr"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// The manifests agree with each other, with the code and with docs/deployment.md.
func TestManifestsFit(t *testing.T) {
	t.Parallel()
	m := readManifests(t)
	for name, rule := range rules {
		require.NoError(t, rule(m), name)
	}
}

// Each rule notices the mistakes that it is for.
func TestRulesNotice(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule, want string
		mistake    func(m *manifests)
	}{
		"another namespace":      {"names", "app/service.yaml is in", func(m *manifests) { m.service.Namespace = "default" }},
		"another Secret":         {"names", "the environment comes from", func(m *manifests) { m.secret.Name = "keys" }},
		"another Deployment":     {"names", "the autoscaler scales", func(m *manifests) { m.deployment.Name = "other" }},
		"another image":          {"names", "the sync has the image", func(m *manifests) { m.container().Image = "other" }},
		"the report as liveness": {"probes", "the liveness probe", func(m *manifests) { m.container().LivenessProbe.HTTPGet.Path = "/health/inngest" }},
		"another port":           {"probes", "the container has the port", func(m *manifests) { m.config.Data["PORT"] = "8080" }},
		"no pause":               {"stop", "there must be one pause", func(m *manifests) { m.container().Lifecycle.PreStop.Sleep.Seconds = 0 }},
		"two pauses":             {"stop", "there must be one pause", func(m *manifests) { m.config.Data["DRAIN_PAUSE"] = "1s" }},
		"a short pause":          {"stop", "readiness takes 10s to fail", func(m *manifests) { m.container().Lifecycle.PreStop.Sleep.Seconds = 10 }},
		"a short drain":          {"stop", "DRAIN_TIMEOUT is 5s", func(m *manifests) { m.config.Data["DRAIN_TIMEOUT"] = "5s" }},
		"a short grace period":   {"stop", "the grace period is 57s", func(m *manifests) { *m.deployment.Spec.Template.Spec.TerminationGracePeriodSeconds = 57 }},
		"root":                   {"security", "runAsNonRoot", func(m *manifests) { m.deployment.Spec.Template.Spec.SecurityContext.RunAsNonRoot = nil }},
		"capabilities":           {"security", "unrestricted capabilities", func(m *manifests) { m.container().SecurityContext.Capabilities = nil }},
		"a writable root": {"security", "sync: the root file system", func(m *manifests) {
			m.sync.Spec.Template.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem = nil
		}},
		"a token":                  {"security", "a token", func(m *manifests) { m.deployment.Spec.Template.Spec.AutomountServiceAccountToken = nil }},
		"a budget for nothing":     {"labels", "budget does not select", func(m *manifests) { m.budget.Spec.Selector.MatchLabels = map[string]string{"a": "b"} }},
		"calls for the sync":       {"labels", "service selects the pod of the sync", func(m *manifests) { m.sync.Spec.Template.Labels = m.deployment.Spec.Template.Labels }},
		"replicas":                 {"scaling", "undoes the work", func(m *manifests) { m.deployment.Spec.Replicas = new(int32(3)) }},
		"one pod":                  {"scaling", "1 to 10 pods", func(m *manifests) { *m.autoscaler.Spec.MinReplicas = 1 }},
		"a budget of all pods":     {"scaling", "the budget is", func(m *manifests) { *m.budget.Spec.MaxUnavailable = intstr.FromInt32(3) }},
		"GOMEMLIMIT at the limit":  {"resources", "100 % of the memory limit", func(m *manifests) { m.config.Data["GOMEMLIMIT"] = "512MiB" }},
		"no requests":              {"resources", "requests", func(m *manifests) { m.container().Resources.Requests = nil }},
		"another Service":          {"addresses", "the server calls", func(m *manifests) { m.service.Name = "app" }},
		"the server is not let in": {"addresses", "cannot reach the app", func(m *manifests) { m.network.Spec.Ingress[0].From = m.network.Spec.Ingress[0].From[1:] }},
		"another server":           {"addresses", "cannot reach the server", func(m *manifests) { m.config.Data["INNGEST_BASE_URL"] = "http://inngest.inngest.svc:8080" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := readManifests(t)
			tc.mistake(m)
			require.ErrorContains(t, rules[tc.rule](m), tc.want)
		})
	}
}

// With real keys, the variables of the manifests are a configuration in cloud mode. With the
// fake ones, the program does not start.
func TestManifestsConfigureTheApp(t *testing.T) {
	t.Parallel()
	m := readManifests(t)
	lookup := func(_ context.Context, variable string) (string, bool, error) {
		value, found := m.config.Data[variable]
		if key, secret := m.secret.StringData[variable]; secret {
			return key, true, nil
		}
		return value, found, nil
	}
	cfg, err := inngestkit.ConfigFrom(t.Context(), lookup)
	require.NoError(t, err)
	_, err = inngestkit.New(cfg)
	require.ErrorContains(t, err, "INNGEST_SIGNING_KEY")
	for variable := range m.secret.StringData {
		m.secret.StringData[variable] = newKey(t)
	}
	cfg, err = inngestkit.ConfigFrom(t.Context(), lookup)
	require.NoError(t, err)
	app, err := inngestkit.New(cfg)
	require.NoError(t, err)
	require.False(t, app.Dev())
	require.NoError(t, app.Shutdown(t.Context()))
}
