package devserver

import (
	"fmt"
	"strings"
)

// The versions of the Inngest server that inngestkit is tested on and that
// [Build] builds. The values change from release to release; the names do not.
const (
	// OldestVersion is the oldest supported version, which self-hosted
	// installations still run.
	OldestVersion = "v1.12.1"
	// NewestVersion is the newest supported version.
	NewestVersion = "v1.43.0"
	// DefaultVersion is the version that is built by default.
	DefaultVersion = NewestVersion
)

// VersionEnv is the environment variable that names the version of the Inngest server
// to build, with or without the leading v. If it is set, PATH is not searched. If
// [PathEnv] is set, too, that executable must have this version.
const VersionEnv = "INNGEST_CLI_VERSION"

// versions are the names that parseVersion knows.
var versions = []string{OldestVersion, NewestVersion}

// parseVersion returns the supported version that text names, or the default for an
// empty text.
func parseVersion(text string) (string, error) {
	if text == "" {
		return DefaultVersion, nil
	}
	for _, version := range versions {
		if strings.TrimPrefix(text, "v") == strings.TrimPrefix(version, "v") {
			return version, nil
		}
	}
	return "", fmt.Errorf("no build is known for version %q of the Inngest server; the versions are %s. "+
		"To use another one, name its executable in %s or Config.Binary",
		text, strings.Join(versions, " and "), PathEnv)
}
