package testsite

import (
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// NewServer starts an Inngest server that retries after a second.
func NewServer(t *testing.T) *devserver.Server {
	t.Helper()
	return devserver.New(t, devserver.Config{RetryInterval: time.Second})
}

// NewServerAt is [NewServer] on the port of address, where an earlier server was.
func NewServerAt(t *testing.T, address string) *devserver.Server {
	t.Helper()
	return devserver.New(t, devserver.Config{RetryInterval: time.Second, Port: PortOf(t, address)})
}

// PortOf returns the port of a URL.
func PortOf(t *testing.T, address string) int {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	port, err := strconv.Atoi(u.Port())
	require.NoError(t, err)
	return port
}
