//go:build !unix

package inngesttest

import "testing"

// requireGone relies on Stop having waited for the process.
func requireGone(*testing.T, int) {}
