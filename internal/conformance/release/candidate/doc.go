// Package candidate proves that each module can be used alone, as it is about to be
// released: it serves the modules from a directory in the form of a module proxy, and gets
// them as users will. The workspace cannot show that, because it replaces the versions that
// modules require of each other.
package candidate
