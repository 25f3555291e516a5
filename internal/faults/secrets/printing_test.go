package secrets

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// Exported values that hold a secret do not print it, with any verb and in any encoding.
func TestValuesPrintNoSecrets(t *testing.T) {
	t.Parallel()
	app, log := newApp(t, false, nil)
	health, err := inngesthealth.Install(app, inngesthealth.WithBasicAuth("ops", password))
	require.NoError(t, err)
	client := sdkClient(t)
	adopted, err := inngestkit.FromClient(client, func(c *inngestkit.Config) { c.Logger = slog.New(log) })
	require.NoError(t, err)
	cfg := config(false, log, nil)
	server := devserver.Config{SigningKey: signingKey, EventKey: plainEventKey, Env: []string{"X=" + password}}
	for name, value := range map[string]any{
		"the key":              cfg.SigningKey,
		"a pointer to the key": &cfg.SigningKey,
		"the configuration":    cfg,
		"a pointer to it":      &cfg,
		"in a struct":          struct{ Config inngestkit.Config }{cfg},
		"in a map":             map[string]any{"key": cfg.EventKey, "config": cfg},
		"the app":              app,
		"an app of a client":   adopted,
		"a context":            inngestkit.NewContext(context.Background(), app),
		"the health checks":    health,
		"a server's config":    server,
		"a pointer to that":    &server,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			finder.Absent(t, "what is printed", printed(value))
			for _, handler := range []func(r *record) slog.Handler{
				func(r *record) slog.Handler { return slog.NewTextHandler(writer{r}, nil) },
				func(r *record) slog.Handler { return slog.NewJSONHandler(writer{r}, nil) },
			} {
				r := &record{}
				slog.New(handler(r)).Info("value", "value", value)
				r.absent(t, "a log")
			}
		})
	}
	require.Contains(t, fmt.Sprint(cfg), "(set)")
	log.absent(t, "the log")
}

// writer adds what is written to a record.
type writer struct{ to *record }

// Write implements io.Writer.
func (w writer) Write(text []byte) (int, error) {
	w.to.write(string(text))
	return len(text), nil
}
