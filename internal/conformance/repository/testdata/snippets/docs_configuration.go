package snippets

import (
	"context"
	"errors"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

var lookup inngestkit.Lookup

type vaultClient struct{ ErrNotFound error }

func (vaultClient) Read(context.Context, string) (string, error) { return "", nil }

var vault = vaultClient{ErrNotFound: errors.New("not found")}
