// Package health tests contrib/health from outside: over sockets, in all frameworks, on the
// Inngest server. contrib/health itself requires none of them.
package health
