// Package health holds the tests of contrib/health from outside: over sockets, in all
// frameworks, on the Inngest server. Contrib/health itself requires none of them.
package health
