package inngestkit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Guard: the SDK gets only hashes of the signing keys, because its package realtime sends the
// key as it is. The SDK also uses it for checkpoints.
func TestTheSDKHasNoSigningKey(t *testing.T) {
	t.Parallel()
	const key, fallback = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	app, err := New(Config{AppID: "app", SigningKey: "signkey-test-" + key, SigningKeyFallback: "signkey-test-" + fallback})
	require.NoError(t, err)
	options := app.sdkOptions()
	require.Regexp(t, `^signkey-test-[0-9a-f]{64}$`, *options.SigningKey)
	require.Regexp(t, `^signkey-test-[0-9a-f]{64}$`, *options.SigningKeyFallback)
	for _, option := range []*string{options.SigningKey, options.SigningKeyFallback, options.EventKey, options.APIBaseURL} {
		require.NotContains(t, *option, key)
		require.NotContains(t, *option, fallback)
	}

	app, err = New(Config{AppID: "app", Dev: true})
	require.NoError(t, err)
	require.Empty(t, *app.sdkOptions().SigningKey, "the SDK would read the environment")
}
