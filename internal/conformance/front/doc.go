// Package front tests middleware in front of the endpoint, for each framework on a real
// listener: how it affects the server's calls, what the app reports about it, and that the
// fixes in docs/in-front-of-the-endpoint.md work.
package front
