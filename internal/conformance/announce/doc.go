// Package announce tests on the real Inngest server where apps are announced, and what is
// logged if the server cannot reach them. It is its own package, because an app looks for
// itself on all ports of its program.
package announce
