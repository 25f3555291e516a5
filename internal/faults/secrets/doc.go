// Package secrets contains tests that plant keys and passwords in apps, and search everything
// that the apps write for them: logs, errors, responses, telemetry, health checks, requests.
package secrets
