// Package front tests what applications put in front of their endpoint, with the
// middleware of each framework on a real listener: what it does to the server's
// calls, what the app says about it, and that the cures of
// docs/in-front-of-the-endpoint.md work.
package front
