// Package inngesthealth adds health checks, probes for liveness and readiness, and
// metrics of functions to an inngestkit app. [Install] does it, in one line.
package inngesthealth
