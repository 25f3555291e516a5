package lab

import (
	"testing"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

const (
	SigningKey = "0123456789abcdef0123456789abcdef"
	EventKey   = "0123456789abcdef"
)

type Backend interface {
	Start(tb testing.TB, cfg devserver.Config) *devserver.Server
	Durable() bool
	Name() string
}

func Memory() Backend { return memory{} }

type memory struct{}

func (memory) Start(tb testing.TB, cfg devserver.Config) *devserver.Server {
	return devserver.New(tb, cfg)
}
func (memory) Durable() bool { return false }
func (memory) Name() string  { return "memory" }
