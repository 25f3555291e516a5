// Package mistakes makes the mistakes that newcomers make and compares the messages with
// docs/troubleshooting.md.
package mistakes
