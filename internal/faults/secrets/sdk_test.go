package secrets

import (
	"context"
	"testing"

	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/require"
)

// sdkClient returns a client of the SDK with every secret and one function.
func sdkClient(t *testing.T) inngestgo.Client {
	t.Helper()
	signing, fallback, event := signingKey, fallbackKey, eventKey
	api, events, dev := withToken("http://api.inngest.test:8288"), withPassword("http://inngest.test:8288"), false
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{
		AppID: "adopted", SigningKey: &signing, SigningKeyFallback: &fallback, EventKey: &event,
		APIBaseURL: &api, EventAPIBaseURL: &events, Dev: &dev,
	})
	require.NoError(t, err)
	_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "fn"}, inngestgo.EventTrigger("placed", nil),
		func(context.Context, inngestgo.Input[any]) (any, error) { return nil, nil })
	require.NoError(t, err)
	return client
}
