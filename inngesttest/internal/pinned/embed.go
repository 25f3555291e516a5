// Package pinned embeds the module files that fix the versions of the Inngest server. With
// them, a program that depends on the published module inngesttest can build a server
// without a checkout of this repository.
//
// The files are named after the version, because a directory with a file called go.mod is
// a separate module, which Go would omit from the published one.
package pinned

import (
	"embed"
	"fmt"
)

// The files of v1.12.1 are copies of internal/devserver/go.mod and go.sum.
//
//go:generate cp ../../../internal/devserver/go.mod v1.12.1.mod
//go:generate cp ../../../internal/devserver/go.sum v1.12.1.sum

//go:embed *.mod *.sum
var files embed.FS

// Module returns the go.mod and the go.sum of a module that requires the version
// of the server. It panics if the version is not pinned.
func Module(version string) (goMod, goSum []byte) {
	return read(version + ".mod"), read(version + ".sum")
}

func read(name string) []byte {
	content, err := files.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("inngesttest: the Inngest server's version is not pinned: %v", err))
	}
	return content
}
