// Package announce tests on the real Inngest server where apps are announced, and what
// is said if the server does not reach them. It is a package of its own, because an app
// looks for itself wherever its program listens.
package announce
