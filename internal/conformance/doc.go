// Package conformance contains the tests that need all adapters side by side, most of them
// on the real Inngest server. Its subpackages test the modules and the pages.
package conformance
