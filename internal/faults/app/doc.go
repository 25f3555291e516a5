// Package app is the app that the fault laboratory breaks. Each of its processes is the test
// binary itself, started with [Env].
package app
