package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/examples/internal/demo/demotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The program, on the real server.
func TestProgram(t *testing.T) {
	t.Parallel()
	demotest.Run(t, program,
		`daily-data-cleanup starts for cleanup.requested`,
		`daily-data-cleanup runs cleanup-expired-sessions-1: 100`,
		`daily-data-cleanup runs cleanup-expired-sessions-3: 50`,
		`sends 60 events cleanup.file-expired`,
		`daily-data-cleanup runs send-cleanup-report: done`,
		`responds {"deleted":{.*"cleanup-expired-sessions":250.*"delete-files":59},"reports":2}`,
		`weekly-deep-cleanup runs optimize-database-indexes: done`,
		`weekly-deep-cleanup runs cleanup-old-backups: 4`,
		`weekly-deep-cleanup runs vacuum-database: done`,
	)
}
