package deploy

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// newKey returns a key, as openssl rand -hex 32 does.
func newKey(t *testing.T) string {
	t.Helper()
	key := make([]byte, 32)
	_, err := rand.Read(key)
	require.NoError(t, err)
	return hex.EncodeToString(key)
}

// configOf returns the configuration that an app reads from the variables of a service.
func configOf(t *testing.T, s types.ServiceConfig) inngestkit.Config {
	t.Helper()
	cfg, err := inngestkit.ConfigFrom(t.Context(), func(_ context.Context, variable string) (string, bool, error) {
		v, found := s.Environment[variable]
		if v == nil {
			return "", false, nil
		}
		return *v, found, nil
	})
	require.NoError(t, err)
	return cfg
}
