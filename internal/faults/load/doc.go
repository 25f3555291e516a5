// Package load holds the load tests of the fault laboratory.
package load
