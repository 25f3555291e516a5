package inngestkit

// Version is the version of this module. All modules of the repository are
// released together, under the same version.
const Version = "0.1.0"

// IsAtLeastVersion0_1_0 is a compile-time handshake: an adapter or plugin that
// needs version 0.1.0 of this module mentions it and so does not build with an
// older one.
const IsAtLeastVersion0_1_0 = true
