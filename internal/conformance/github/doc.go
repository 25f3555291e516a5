// Package github tests the files that GitHub reads: workflows, Dependabot's configuration
// and the forms for issues.
package github
