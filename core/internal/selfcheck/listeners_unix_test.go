//go:build unix

package selfcheck

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// ownListeners finds listeners on every interface, on one, and on IPv6, but not connections.
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
