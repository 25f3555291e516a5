package snippets

import "context"

var (
	totals   map[string]int
	done     bool
	charging func(customer string, total int) func(ctx context.Context) (string, error)
	refund   func(ctx context.Context) (string, error)
)
