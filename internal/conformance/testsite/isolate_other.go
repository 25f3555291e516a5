//go:build !linux

package testsite

// Isolated is for Linux only.
func Isolated() (code int, done bool) { return 0, false }
