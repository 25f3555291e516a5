package deploy

import (
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// In development, the app announces itself to the dev server, without keys and without a sync.
func TestComposeDev(t *testing.T) {
	t.Parallel()
	project, err := loadCompose(t, "compose.dev.yaml", nil)
	require.NoError(t, err)
	app, inngest := project.Services["app"], project.Services["inngest"]
	require.Equal(t, "http://inngest:8288", value(app, "INNGEST_DEV")) // the server's default port
	require.Equal(t, "http://app:"+value(app, "PORT"), value(app, "INNGEST_SERVE_HOST"))
	require.Equal(t, "inngest/inngest:"+devserver.NewestVersion, inngest.Image)
	require.Equal(t, types.ShellCommand{"inngest", "dev", "--no-discovery"}, inngest.Command)
	require.True(t, configOf(t, app).Dev)
	for name, s := range project.Services {
		require.Equal(t, "127.0.0.1", s.Ports[0].HostIP, name)
	}

	server := testsite.NewServer(t)
	p := startProgram(t, freePort(t), "INNGEST_DEV="+server.URL(), "WORK_TIME=10ms")
	require.NoError(t, server.AwaitFunctions(testsite.Within(t), function))
	completes(t, p, server, "sales")
}
