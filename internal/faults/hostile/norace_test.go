//go:build !race

package hostile

// raceFactor is how much more memory a program takes with the race detector.
const raceFactor = 1
