package deploy

import (
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// loadCompose reads a Compose file as Compose does, with these variables.
func loadCompose(t *testing.T, file string, env map[string]string) (*types.Project, error) {
	t.Helper()
	dir, err := filepath.Abs(directory)
	require.NoError(t, err)
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, file), Content: read(t, file)}},
		Environment: env,
	}, func(o *loader.Options) { o.Profiles = []string{"*"} })
}

// exampleEnv returns the variables of env.example.
func exampleEnv(t *testing.T) map[string]string {
	t.Helper()
	env, err := dotenv.Read(filepath.Join(directory, "env.example"))
	require.NoError(t, err)
	return env
}

// realEnv is exampleEnv with real keys.
func realEnv(t *testing.T) map[string]string {
	t.Helper()
	env := exampleEnv(t)
	for _, variable := range []string{"INNGEST_SIGNING_KEY", "INNGEST_EVENT_KEY", "POSTGRES_PASSWORD"} {
		require.Contains(t, env[variable], "fake")
		env[variable] = newKey(t)
	}
	return env
}

// value returns a variable of a service.
func value(s types.ServiceConfig, variable string) string {
	if v := s.Environment[variable]; v != nil {
		return *v
	}
	return ""
}

// Compose needs the variables of env.example, and says where they are.
func TestComposeVariables(t *testing.T) {
	t.Parallel()
	for variable, text := range exampleEnv(t) {
		if text == "" {
			continue
		}
		env := realEnv(t)
		delete(env, variable)
		_, err := loadCompose(t, "compose.yaml", env)
		require.ErrorContains(t, err, "make deploy/.env of deploy/env.example", variable)
	}
}

// The services find each other, with the same keys.
func TestComposeServicesFindEachOther(t *testing.T) {
	t.Parallel()
	env := realEnv(t)
	project, err := loadCompose(t, "compose.yaml", env)
	require.NoError(t, err)
	require.Equal(t, []string{"app", "inngest", "postgres", "redis", "sync"}, slices.Sorted(maps.Keys(project.Services)))
	app, inngest, postgres := project.Services["app"], project.Services["inngest"], project.Services["postgres"]

	require.Equal(t, "inngest/inngest:"+devserver.NewestVersion, inngest.Image)
	require.Equal(t, "http://inngest:8288", value(app, "INNGEST_BASE_URL")) // the server's default port
	require.Equal(t, "http://app:"+value(app, "PORT"), value(app, "INNGEST_SERVE_HOST"))
	for _, key := range []string{"INNGEST_SIGNING_KEY", "INNGEST_EVENT_KEY"} {
		require.Equal(t, env[key], value(app, key))
		require.Equal(t, env[key], value(inngest, key))
	}
	require.Equal(t, app.Environment, project.Services["sync"].Environment)
	require.Equal(t, app.Image, project.Services["sync"].Image)

	uri, err := url.Parse(value(inngest, "INNGEST_POSTGRES_URI"))
	require.NoError(t, err)
	password, _ := uri.User.Password()
	require.Equal(t, []string{"postgres:5432", value(postgres, "POSTGRES_USER"), value(postgres, "POSTGRES_PASSWORD"), "/" + value(postgres, "POSTGRES_DB")},
		[]string{uri.Host, uri.User.Username(), password, uri.Path})
	require.Equal(t, "redis://redis:6379", value(inngest, "INNGEST_REDIS_URI"))
}

// With real keys, the app is configured for cloud mode. With the fake ones, it does not start.
func TestComposeConfiguresTheApp(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]map[string]string{"real": realEnv(t), "fake": exampleEnv(t)} {
		project, err := loadCompose(t, "compose.yaml", env)
		require.NoError(t, err)
		app, err := inngestkit.New(configOf(t, project.Services["app"]))
		if name == "fake" {
			require.ErrorContains(t, err, "INNGEST_SIGNING_KEY")
			continue
		}
		require.NoError(t, err)
		require.False(t, app.Dev())
		require.NoError(t, app.Shutdown(t.Context()))
	}
}

// Nothing is published to other machines, each service that goes on has a health check and
// starts again, the app stops in time, and the databases keep what docs/servers.md demands.
func TestComposeServices(t *testing.T) {
	t.Parallel()
	project, err := loadCompose(t, "compose.yaml", realEnv(t))
	require.NoError(t, err)
	for name, s := range project.Services {
		for _, port := range s.Ports {
			require.Equal(t, "127.0.0.1", port.HostIP, name)
		}
		if name == "sync" {
			require.Equal(t, types.ShellCommand{"sync"}, s.Command)
			require.Equal(t, []string{"sync"}, s.Profiles)
			continue
		}
		require.Equal(t, "unless-stopped", s.Restart, name)
		if name != "app" { // its image has one
			require.NotEmpty(t, s.HealthCheck.Test, name)
		}
	}
	app := project.Services["app"]
	drain, err := time.ParseDuration(value(app, "DRAIN_TIMEOUT"))
	require.NoError(t, err)
	require.Greater(t, time.Duration(*app.StopGracePeriod), drain)
	require.True(t, app.ReadOnly)
	require.Equal(t, []string{"ALL"}, app.CapDrop)
	for _, database := range []string{"postgres", "redis"} {
		require.Equal(t, types.ServiceConditionHealthy, project.Services["inngest"].DependsOn[database].Condition)
		require.Equal(t, database, project.Services[database].Volumes[0].Source)
		require.Contains(t, project.Volumes, database)
	}
	redis := strings.Join(project.Services["redis"].Command, " ")
	require.Contains(t, redis, "--appendonly yes --appendfsync always")
	require.FileExists(t, filepath.Join(app.Build.Context, app.Build.Dockerfile))
}
