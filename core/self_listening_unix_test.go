//go:build unix

package inngestkit

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// A program knows where it listens: on every interface, on one, over IPv6. A connection is
// not a listener.
func TestOwnListeners(t *testing.T) {
	t.Parallel()
	for _, address := range []string{":0", "127.0.0.1:0", "[::1]:0"} {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		if err != nil && address == "[::1]:0" {
			continue // a machine without IPv6
		}
		require.NoError(t, err)
		defer listener.Close()
		own := listener.Addr().(*net.TCPAddr)
		require.Contains(t, ports(ownListeners()), own.Port, address)

		client, err := new(net.Dialer).DialContext(t.Context(), "tcp", listener.Addr().String())
		require.NoError(t, err)
		require.NotContains(t, ports(ownListeners()), client.LocalAddr().(*net.TCPAddr).Port)
		require.NoError(t, client.Close())
	}
}

func ports(addresses []netip.AddrPort) []int {
	all := make([]int, len(addresses))
	for i, a := range addresses {
		all[i] = int(a.Port())
	}
	return all
}
