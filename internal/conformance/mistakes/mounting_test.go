package mistakes

import (
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

var mounting = []mistake{
	{"Start before Mount", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		return fails(t, app.Start(t.Context()))
	}},
	{"Start before Register", func(t *testing.T) string {
		app, _ := newApp(t, dev())
		app.MountedAt("gin", "/api/inngest")
		return fails(t, app.Start(t.Context()))
	}},
	{"Start twice", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		app.MountedAt("gin", "/api/inngest")
		require.NoError(t, app.Start(t.Context()))
		return fails(t, app.Start(t.Context()))
	}},
	{"A mount below a parameter", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		app.MountedAt("gin", "/:tenant/api/inngest")
		return fails(t, app.Start(t.Context()))
	}},
	{"Routes added after Mount", func(t *testing.T) string {
		app, _ := newApp(t, dev(), onUser())
		app.MountedAt("gin", "/api/inngest")
		return fails(t, app.AddRoutes(inngestkit.Route{Path: "/health", Do: app.Do}))
	}},
}
