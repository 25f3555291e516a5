// Package inngesttest is the test kit of inngestkit.
package inngesttest
