// Package inngesthealth adds health checks, liveness and readiness probes, and metrics
// of functions to an inngestkit app:
//
//	health, err := inngesthealth.Install(app) // before Mount
package inngesthealth
