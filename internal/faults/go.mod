module github.com/inngestkit/inngestkit/internal/faults

go 1.26.0
