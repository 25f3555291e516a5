module github.com/inngestkit/inngestkit/examples/workflows

go 1.26.0

require (
	github.com/inngestkit/inngestkit/core v0.1.0
	github.com/inngestkit/inngestkit/inngesttest v0.1.0
	github.com/stretchr/testify v1.12.1
	go.uber.org/goleak v1.3.0
)
