package engine

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

func TestExpressionWithARandomValueIsRefused(t *testing.T) {
	t.Parallel()
	condition := inngestkit.DefineEvent[map[string]any]("x").If(`event.data.object.map(key, key)[0] == "a"`)
	s := newSite(t, Config{}, inngestkit.OnEvent("f", condition, func(context.Context, inngestkit.Input[map[string]any]) (any, error) { return nil, nil }))
	s.sendRaw(`{"name":"x","data":{"object":{"a":1,"b":2}}}`)
	s.Settle(t.Context())
	require.Len(t, s.faults, 1)
	require.Contains(t, s.faults[0], "a random value: it iterates over the keys of an object")
}
