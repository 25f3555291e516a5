package snippets

import "context"

type User struct{}

var closeAccount func(ctx context.Context) (string, error)
