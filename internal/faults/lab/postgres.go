package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// StartPostgres starts a PostgreSQL server on the loopback interface, with its data in a
// temporary directory. It synchronizes each commit with the disk, as by default.
func StartPostgres(tb testing.TB) *Database {
	tb.Helper()
	initdb, postgres, isReady := postgresProgram(tb, "initdb"), postgresProgram(tb, "postgres"), postgresProgram(tb, "pg_isready")
	// Not tb.TempDir, whose parent only this user can enter.
	dir, err := os.MkdirTemp("", "faults-postgres-") //nolint:usetesting // see above
	require.NoError(tb, err)
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	unprivileged, err := unprivileged(dir)
	require.NoError(tb, err)
	data, port := filepath.Join(dir, "data"), freePort(tb)

	//nolint:noctx // it ends by itself
	create := exec.Command(initdb, "--pgdata", data, "--username", "postgres", "--auth", "trust")
	create.Dir = dir
	unprivileged(create)
	out, err := create.CombinedOutput()
	require.NoError(tb, err, "initdb: %s", out)

	d := &Database{
		URI: "postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable", name: "PostgreSQL", log: &testsite.Log{},
		command: func() *exec.Cmd {
			//nolint:noctx // Kill ends it
			cmd := exec.Command(postgres, "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1",
				// Each Inngest server opens up to 100 connections.
				"-c", "unix_socket_directories=", "-c", "max_connections=300")
			cmd.Dir = dir
			unprivileged(cmd)
			attach(cmd)
			return cmd
		},
		ready: func() bool {
			return exec.Command(isReady, "-q", "-h", "127.0.0.1", "-p", port).Run() == nil //nolint:noctx // it ends by itself
		},
	}
	d.start(tb)
	tb.Cleanup(d.Kill)
	return d
}

// postgresProgram returns the path of a program of PostgreSQL, from PATH or from the newest
// of Debian's versions, which are not on PATH.
func postgresProgram(tb testing.TB, name string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name) // the pattern is well formed
	if len(found) == 0 {
		needs(tb, name, err)
	}
	return found[len(found)-1]
}
