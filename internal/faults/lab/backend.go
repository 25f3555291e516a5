package lab

import (
	"slices"
	"testing"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// The keys of self-hosted servers, which all backends but [Memory] start.
const (
	SigningKey = "0123456789abcdef0123456789abcdef"
	EventKey   = "0123456789abcdef"
)

// A Backend starts Inngest servers that share one state, one after the other.
type Backend interface {
	// Start starts a server, which is killed at the end of the test if it still runs.
	Start(tb testing.TB, cfg devserver.Config) *devserver.Server
	// Durable reports whether runs that have begun survive the end of a server.
	Durable() bool
	// Name returns the name of the backend for the names of tests.
	Name() string
}

// Memory returns the backend of the dev server, where all state ends with the server.
func Memory() Backend { return memory{} }

type memory struct{}

func (memory) Start(tb testing.TB, cfg devserver.Config) *devserver.Server {
	tb.Helper()
	return devserver.New(tb, cfg)
}
func (memory) Durable() bool { return false }
func (memory) Name() string  { return "memory" }

// SQLite returns the backend of `inngest start` without further options. It keeps apps,
// functions, events and the history of runs, but not the queue: a run that has not ended is
// lost with the server (docs/servers.md).
func SQLite(tb testing.TB) Backend {
	tb.Helper()
	return sqlite{dir: tb.TempDir()}
}

type sqlite struct{ dir string }

func (b sqlite) Start(tb testing.TB, cfg devserver.Config) *devserver.Server {
	tb.Helper()
	return devserver.New(tb, selfHosted(cfg, b.dir))
}
func (sqlite) Durable() bool { return false }
func (sqlite) Name() string  { return "sqlite" }

// External is the backend of `inngest start` with PostgreSQL and Redis. Both write to the
// disk before they respond, so nothing that the server has stored is lost. What it has only
// in memory is: events that it has accepted a moment before (docs/servers.md).
type External struct {
	Postgres, Redis *Database
	dir             string
}

// PostgresRedis starts a PostgreSQL and a Redis server for the test. If their programs are
// missing, the test fails.
func PostgresRedis(tb testing.TB) *External {
	tb.Helper()
	return &External{Postgres: StartPostgres(tb), Redis: startRedis(tb), dir: tb.TempDir()}
}

// Start implements [Backend].
func (b *External) Start(tb testing.TB, cfg devserver.Config) *devserver.Server {
	tb.Helper()
	cfg = selfHosted(cfg, b.dir)
	cfg.Args = append(slices.Clone(cfg.Args), "--postgres-uri", b.Postgres.URI, "--redis-uri", b.Redis.URI)
	return devserver.New(tb, cfg)
}

// Durable implements [Backend].
func (*External) Durable() bool { return true }

// Name implements [Backend].
func (*External) Name() string { return "postgres and redis" }

func selfHosted(cfg devserver.Config, dir string) devserver.Config {
	cfg.SigningKey, cfg.EventKey, cfg.StateDir = SigningKey, EventKey, dir
	return cfg
}
