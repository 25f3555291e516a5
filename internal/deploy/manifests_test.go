package deploy

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// directory has the files under test.
const directory = "../../deploy"

// manifests are the objects of deploy/kubernetes.
type manifests struct {
	namespace  corev1.Namespace
	secret     corev1.Secret
	config     corev1.ConfigMap
	deployment appsv1.Deployment
	service    corev1.Service
	autoscaler autoscalingv2.HorizontalPodAutoscaler
	budget     policyv1.PodDisruptionBudget
	network    networkingv1.NetworkPolicy
	sync       batchv1.Job
}

// files maps each file of deploy/kubernetes to its object.
func (m *manifests) files() map[string]metav1.Object {
	return map[string]metav1.Object{
		"setup/namespace.yaml":      &m.namespace,
		"setup/secret.example.yaml": &m.secret,
		"app/configmap.yaml":        &m.config,
		"app/deployment.yaml":       &m.deployment,
		"app/service.yaml":          &m.service,
		"app/autoscaler.yaml":       &m.autoscaler,
		"app/disruptionbudget.yaml": &m.budget,
		"app/networkpolicy.yaml":    &m.network,
		"sync.yaml":                 &m.sync,
	}
}

// readManifests decodes all manifests. A field that its type does not have, or that is there
// twice, is an error.
func readManifests(t *testing.T) *manifests {
	t.Helper()
	m := &manifests{}
	for name, object := range m.files() {
		require.NoError(t, yaml.UnmarshalStrict(read(t, filepath.Join("kubernetes", name)), object), name)
	}
	return m
}

// Each file of the directory is an object of the kind and version that this package decodes
// it as, in the namespace.
func TestManifests(t *testing.T) {
	t.Parallel()
	m := readManifests(t)
	files := m.files()
	var found []string
	root := filepath.Join(directory, "kubernetes")
	require.NoError(t, filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if filepath.Ext(path) == ".yaml" {
			name, _ := filepath.Rel(root, path) // both have the same root
			found = append(found, filepath.ToSlash(name))
		}
		return err
	}))
	require.Len(t, found, len(files))
	for _, name := range found {
		require.Contains(t, files, name)
	}
	for want, got := range map[metav1.TypeMeta]metav1.TypeMeta{
		{Kind: "Namespace", APIVersion: "v1"}:                           m.namespace.TypeMeta,
		{Kind: "Secret", APIVersion: "v1"}:                              m.secret.TypeMeta,
		{Kind: "ConfigMap", APIVersion: "v1"}:                           m.config.TypeMeta,
		{Kind: "Deployment", APIVersion: "apps/v1"}:                     m.deployment.TypeMeta,
		{Kind: "Service", APIVersion: "v1"}:                             m.service.TypeMeta,
		{Kind: "HorizontalPodAutoscaler", APIVersion: "autoscaling/v2"}: m.autoscaler.TypeMeta,
		{Kind: "PodDisruptionBudget", APIVersion: "policy/v1"}:          m.budget.TypeMeta,
		{Kind: "NetworkPolicy", APIVersion: "networking.k8s.io/v1"}:     m.network.TypeMeta,
		{Kind: "Job", APIVersion: "batch/v1"}:                           m.sync.TypeMeta,
	} {
		require.Equal(t, want, got)
	}
}

// read returns a file of the directory deploy.
func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(directory, name))
	require.NoError(t, err)
	return text
}
