package inngestkit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Guard: the SDK has the signing keys hashed only, for whatever it sends: checkpoints,
// and what functions publish with its package realtime, which sends the key as it is.
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
