package deploy

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
)

// rules are what must hold between the manifests, and between them and the code.
var rules = map[string]func(m *manifests) error{
	"names": names, "probes": probes, "stop": stop, "security": security, "labels": selectors,
	"scaling": scaling, "resources": resources, "addresses": addresses,
}

// container returns the only container of the Deployment.
func (m *manifests) container() *corev1.Container {
	return &m.deployment.Spec.Template.Spec.Containers[0]
}

// expect returns an error with the text unless ok.
func expect(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// names checks that all objects are in the namespace, and refer to each other by their names.
func names(m *manifests) error {
	namespace, job := m.namespace.Name, m.sync.Spec.Template.Spec.Containers[0]
	var errs []error
	for file, object := range m.files() {
		if object != metav1.Object(&m.namespace) {
			errs = append(errs, expect(object.GetNamespace() == namespace, "%s is in the namespace %q", file, object.GetNamespace()))
		}
	}
	for _, from := range [][]corev1.EnvFromSource{m.container().EnvFrom, job.EnvFrom} {
		errs = append(errs, expect(len(from) == 2 && from[0].ConfigMapRef.Name == m.config.Name &&
			from[1].SecretRef.Name == m.secret.Name, "the environment comes from %v", from))
	}
	target := m.autoscaler.Spec.ScaleTargetRef
	return errors.Join(append(errs,
		expect(target.Kind == m.deployment.Kind && target.APIVersion == m.deployment.APIVersion &&
			target.Name == m.deployment.Name, "the autoscaler scales %v", target),
		expect(job.Image == m.container().Image, "the sync has the image %q", job.Image))...)
}

// probes checks that they request the routes of contrib/health, on the port on which the program
// listens.
func probes(m *manifests) error {
	c := m.container()
	live, ready := inngesthealth.DefaultPath+"/"+inngesthealth.DefaultLiveness, inngesthealth.DefaultPath+"/"+inngesthealth.DefaultReadiness
	var errs []error
	for name, tc := range map[string]struct {
		probe *corev1.Probe
		path  string
	}{"startup": {c.StartupProbe, live}, "liveness": {c.LivenessProbe, live}, "readiness": {c.ReadinessProbe, ready}} {
		get := tc.probe.HTTPGet
		errs = append(errs, expect(get.Path == tc.path && get.Port.StrVal == c.Ports[0].Name, "the %s probe requests %v", name, get))
	}
	return errors.Join(append(errs,
		expect(strconv.Itoa(int(c.Ports[0].ContainerPort)) == m.config.Data["PORT"], "the container has the port %v", c.Ports))...)
}

// stop checks that load balancers get the time to notice and calls in progress theirs, and that
// only then the pod is killed.
func stop(m *manifests) error {
	ready := m.container().ReadinessProbe
	notice := time.Duration(ready.PeriodSeconds*ready.FailureThreshold) * time.Second
	preStop := time.Duration(m.container().Lifecycle.PreStop.Sleep.Seconds) * time.Second
	pause, err := duration(m.config.Data["DRAIN_PAUSE"])
	drain, drainErr := duration(m.config.Data["DRAIN_TIMEOUT"])
	grace := time.Duration(*m.deployment.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
	return errors.Join(err, drainErr,
		expect((preStop == 0) != (pause == 0), "there must be one pause: preStop is %s, DRAIN_PAUSE %s", preStop, pause),
		expect(preStop+pause > notice, "the pause is %s, and readiness takes %s to fail", preStop+pause, notice),
		expect(drain >= 30*time.Second, "DRAIN_TIMEOUT is %s", drain),
		expect(grace > preStop+pause+drain, "the grace period is %s, and a stop takes up to %s", grace, preStop+pause+drain),
		expect(m.deployment.Spec.Strategy.RollingUpdate.MaxUnavailable.IntVal == 0, "a rollout stops pods before the new ones are ready"))
}

func duration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	return time.ParseDuration(text)
}

// security checks that Kubernetes accepts the pods where it enforces the level restricted, with
// its own code, and that the root file system is read-only.
func security(m *manifests) error {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		return err
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	errs := []error{expect(m.namespace.Labels[api.EnforceLevelLabel] == string(level.Level), "the namespace enforces %v", m.namespace.Labels)}
	for name, template := range map[string]*corev1.PodTemplateSpec{"deployment": &m.deployment.Spec.Template, "sync": &m.sync.Spec.Template} {
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &template.ObjectMeta, &template.Spec))
		limits := template.Spec.Containers[0].SecurityContext
		errs = append(errs, expect(result.Allowed, "%s: %s: %s", name, result.ForbiddenReason(), result.ForbiddenDetail()),
			expect(limits.ReadOnlyRootFilesystem != nil && *limits.ReadOnlyRootFilesystem, "%s: the root file system is writable", name),
			expect(template.Spec.AutomountServiceAccountToken != nil && !*template.Spec.AutomountServiceAccountToken,
				"%s: it has a token for the Kubernetes API", name))
	}
	return errors.Join(errs...)
}

// selectors checks that everything selects the pods of the Deployment, and nothing that of the
// sync.
func selectors(m *manifests) error {
	pods, sync := labels.Set(m.deployment.Spec.Template.Labels), labels.Set(m.sync.Spec.Template.Labels)
	var errs []error
	for name, selector := range map[string]map[string]string{
		"deployment": m.deployment.Spec.Selector.MatchLabels,
		"service":    m.service.Spec.Selector,
		"budget":     m.budget.Spec.Selector.MatchLabels,
		"network":    m.network.Spec.PodSelector.MatchLabels,
		"spread":     m.deployment.Spec.Template.Spec.TopologySpreadConstraints[0].LabelSelector.MatchLabels,
	} {
		selects := labels.SelectorFromSet(selector)
		errs = append(errs, expect(len(selector) > 0 && selects.Matches(pods), "%s does not select the pods", name),
			expect(!selects.Matches(sync), "%s selects the pod of the sync", name))
	}
	return errors.Join(errs...)
}

// scaling checks that there are at least three pods, of which a drained node may stop one.
func scaling(m *manifests) error {
	lowest := *m.autoscaler.Spec.MinReplicas
	return errors.Join(
		expect(m.deployment.Spec.Replicas == nil, "each deployment undoes the work of the autoscaler"),
		expect(lowest == 3 && m.autoscaler.Spec.MaxReplicas > lowest, "%d to %d pods", lowest, m.autoscaler.Spec.MaxReplicas),
		expect(m.budget.Spec.MinAvailable == nil && *m.budget.Spec.MaxUnavailable == intstr.FromInt32(1), "the budget is %v", m.budget.Spec))
}

// resources checks that the scheduler and the autoscaler know the requests, and the garbage
// collector the memory limit.
func resources(m *manifests) error {
	has := m.container().Resources
	memory, err := resource.ParseQuantity(strings.TrimSuffix(m.config.Data["GOMEMLIMIT"], "B"))
	share := memory.AsApproximateFloat64() / has.Limits.Memory().AsApproximateFloat64()
	return errors.Join(err,
		expect(!has.Requests.Cpu().IsZero() && !has.Requests.Memory().IsZero(), "requests: %v", has.Requests),
		expect(has.Requests.Memory().Cmp(*has.Limits.Memory()) <= 0, "memory: %v", has),
		expect(has.Limits.Cpu().IsZero(), "a limit for the processor slows steps down"),
		expect(0.85 < share && share < 0.95, "GOMEMLIMIT is %.0f %% of the memory limit", 100*share))
}

// addresses checks that the server calls the app at its Service, and that the policy lets both
// reach each other.
func addresses(m *manifests) error {
	serve, err := url.Parse(m.config.Data["INNGEST_SERVE_HOST"])
	server, serverErr := url.Parse(m.config.Data["INNGEST_BASE_URL"])
	if err := errors.Join(err, serverErr); err != nil {
		return err
	}
	port := m.service.Spec.Ports[0]
	want := m.service.Name + "." + m.service.Namespace + ".svc.cluster.local"
	namespace := map[string]string{corev1.LabelMetadataName: strings.Split(server.Hostname(), ".")[1]}
	in, out := m.network.Spec.Ingress[0], m.network.Spec.Egress[1]
	name := m.container().Ports[0].Name
	return errors.Join(
		expect(serve.Host == want && port.Port == 80 && port.TargetPort.StrVal == name, "the server calls %s, the service has %v", serve, port),
		expect(maps.Equal(in.From[0].NamespaceSelector.MatchLabels, namespace) && in.Ports[0].Port.StrVal == name,
			"the server cannot reach the app: %v", in),
		expect(maps.Equal(out.To[0].NamespaceSelector.MatchLabels, namespace) && out.Ports[0].Port.String() == server.Port(),
			"the app cannot reach the server: %v", out))
}
