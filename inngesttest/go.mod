module github.com/inngestkit/inngestkit/inngesttest

go 1.26.0

require (
	github.com/stretchr/testify v1.12.1
	go.uber.org/goleak v1.3.0
)

require github.com/inngest/inngestgo v0.16.0 // indirect

require (
	github.com/inngestkit/inngestkit/core v0.1.0
	github.com/oklog/ulid/v2 v2.1.1
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)
