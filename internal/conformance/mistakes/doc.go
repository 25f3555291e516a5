// Package mistakes makes the mistakes that newcomers make and compares what they are
// told with docs/troubleshooting.md.
package mistakes
