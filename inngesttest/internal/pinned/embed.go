// Package pinned carries the module files of the pinned Inngest server, so
// that a program that depends on the published module inngesttest can build
// the server without a checkout of this repository.
package pinned

import _ "embed"

// The two files are copies of internal/devserver/go.mod and go.sum. They have
// other names here because a directory with a file called go.mod is a module
// of its own, which Go would leave out of the published one.
//
//go:generate cp ../../../internal/devserver/go.mod go.mod.embed
//go:generate cp ../../../internal/devserver/go.sum go.sum.embed

// GoMod is the go.mod of the module that pins the server.
//
//go:embed go.mod.embed
var GoMod []byte

// GoSum is the matching go.sum.
//
//go:embed go.sum.embed
var GoSum []byte
