package inngestlambda_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	inngestlambda "github.com/inngestkit/inngestkit/adapters/lambda"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Whatever the payload is, the handler returns a response with a status, or an error.
func FuzzInvoke(f *testing.F) {
	for _, pattern := range []string{"testdata/*.json", "testdata/other/*.json"} {
		files, err := filepath.Glob(pattern)
		require.NoError(f, err)
		require.NotEmpty(f, files)
		for _, file := range files {
			payload, err := os.ReadFile(file)
			require.NoError(f, err)
			f.Add(payload)
		}
	}
	app, err := inngestkit.New(inngestkit.Config{
		AppID: "shop", Logger: slog.New(slog.DiscardHandler),
		SigningKey: "signkey-test-8ee2262a15e8d3c42d6a840db7af3de2aab08ef632b32a37a687f24b34dba3ff",
	})
	require.NoError(f, err)
	handler := inngestlambda.Handler(app)
	f.Fuzz(func(t *testing.T, payload []byte) {
		encoded, err := handler.Invoke(t.Context(), payload)
		if err != nil {
			require.ErrorContains(t, err, "inngestlambda: the payload is not an HTTP request")
			return
		}
		var resp response
		require.NoError(t, json.Unmarshal(encoded, &resp))
		require.GreaterOrEqual(t, resp.StatusCode, 200)
	})
}
