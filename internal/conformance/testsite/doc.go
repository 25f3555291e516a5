// Package testsite holds what the packages of tests on the real server share:
// waiting, counting, and the least that a server of apps can do.
package testsite
