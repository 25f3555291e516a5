// Package version names the versions of the Inngest server that the virtual engine plays.
package version

// Version is a version of the Inngest server, such as "v1.43.0".
type Version string

// The supported versions. Versions in between differ in details that no test depends on.
const (
	Newest Version = "v1.43.0"
	Oldest Version = "v1.12.1"
)
