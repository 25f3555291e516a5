//go:build !unix

package devserver

import "testing"

// requireGone relies on Stop having waited for the process.
func requireGone(*testing.T, int) {}
