// Package programs runs the complete programs of the pages on the real Inngest server, as
// their readers do.
package programs
