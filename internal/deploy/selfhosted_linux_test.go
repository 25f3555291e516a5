package deploy

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// The services of the Compose file, without containers: the Inngest server with the keys that
// Compose gives it, and the app with its variables. Only hosts and ports differ. In the long form
// the server is on PostgreSQL and Redis, and a run that is in a step when the server is killed
// completes; without them that run would be lost.
func TestComposeSetUp(t *testing.T) {
	t.Parallel()
	project, err := loadCompose(t, "compose.yaml", realEnv(t))
	require.NoError(t, err)
	app, inngest := project.Services["app"], project.Services["inngest"]
	databases := map[string]string{}
	if *longForm {
		external := lab.PostgresRedis(t)
		databases["INNGEST_POSTGRES_URI"], databases["INNGEST_REDIS_URI"] = external.Postgres.URI, external.Redis.URI
	}
	state := t.TempDir()
	start := func(port int) *devserver.Server {
		t.Helper()
		cfg := devserver.Config{
			SigningKey: value(inngest, "INNGEST_SIGNING_KEY"), EventKey: value(inngest, "INNGEST_EVENT_KEY"),
			Version: strings.TrimPrefix(inngest.Image, "inngest/inngest:"), StateDir: state, Port: port,
		}
		for variable, uri := range databases {
			require.Equal(t, scheme(t, value(inngest, variable)), scheme(t, uri))
			cfg.Env = append(cfg.Env, variable+"="+uri)
		}
		return devserver.New(t, cfg)
	}
	server := start(0)
	env := []string{"INNGEST_BASE_URL=" + server.URL(), "WORK_TIME=4s"}
	for _, variable := range []string{"INNGEST_SIGNING_KEY", "INNGEST_EVENT_KEY", "INNGEST_SIGNING_KEY_FALLBACK", "DRAIN_TIMEOUT", "GOMEMLIMIT"} {
		env = append(env, variable+"="+value(app, variable))
	}
	p := startProgram(t, freePort(t), env...)
	out, err := p.run(t, project.Services["sync"].Command...)
	require.NoError(t, err, out)
	require.NoError(t, server.AwaitFunctions(testsite.Within(t), function))
	completes(t, p, server, "sales")
	if !*longForm {
		return
	}

	event := p.requestReport(t, "stock")
	_, err = server.AwaitStep(testsite.Within(t), event, "collect")
	require.NoError(t, err)
	require.NoError(t, server.Kill())
	server = start(testsite.PortOf(t, server.URL()))
	run := testsite.Ended(t, server, event, 2*testsite.Timeout)
	require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
}

func scheme(t *testing.T, uri string) string {
	t.Helper()
	u, err := url.Parse(uri)
	require.NoError(t, err)
	return u.Scheme
}
