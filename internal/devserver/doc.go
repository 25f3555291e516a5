// Package devserver pins the oldest version of the Inngest server that this
// repository tests against and that package inngesttest/devserver builds for its users.
//
// It holds no code. Its go.mod names the server's command as a Go tool, and its
// go.sum fixes every byte that goes into the build. The module stays out of
// go.work, because the workspace would pick newer dependencies for the server
// than the ones it compiles with.
//
// To raise the version, run in this directory
//
//	GOWORK=off go get github.com/inngest/inngestgo@vX github.com/inngest/inngest@vY
//	GOWORK=off go get -tool github.com/inngest/inngest/cmd@vY
//	GOWORK=off go build -o /dev/null github.com/inngest/inngest/cmd
//
// where vX is the inngestgo version that the server's own go.mod asks for, then
// change OldestVersion and the names of the files in inngesttest, and run
//
//	cd ../../inngesttest && go generate ./... && go test ./...
//
// which refreshes the copies that the test kit embeds, and proves that
// the server still starts, runs and answers as the test kit expects.
//
// The newest version cannot be built as a dependency, and so it is not pinned here:
// inngesttest builds it in a copy of its module, whose go.sum fixes the rest. To raise
// it, run in an empty module
//
//	go get github.com/inngest/inngest@vZ && grep 'inngest/inngest v' go.sum
//
// write the two lines to inngesttest/internal/pinned/vZ.sum and the requirement to
// vZ.mod, change NewestVersion, and go through docs/servers.md.
package devserver
