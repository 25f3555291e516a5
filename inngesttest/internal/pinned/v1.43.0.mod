module github.com/inngestkit/inngestkit/inngesttest/internal/pinned/v1.43.0

go 1.26.0

require github.com/inngest/inngest v1.43.0
