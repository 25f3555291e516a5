package hosts_test

import (
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/core/internal/hosts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestIsLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "localhost.": true, "dev.localhost": true, "127.0.0.1": true, "127.0.0.2": true,
		"::1": true, "::ffff:127.0.0.1": true, "0.0.0.0": true, "::": true,
		"": false, "notlocalhost": false, "localhost.test": false, "128.0.0.1": false, "inngest": false,
	} {
		require.Equal(t, want, hosts.IsLoopback(host), host)
	}
}

func TestIsThisMachine(t *testing.T) {
	t.Parallel()
	name, err := os.Hostname()
	require.NoError(t, err)
	own, err := net.InterfaceAddrs()
	require.NoError(t, err)
	address := netip.MustParsePrefix(own[len(own)-1].String()).Addr().String()
	for host, want := range map[string]bool{
		"localhost": true, name: true, address: true, "198.51.100.7": false, "other." + name: false, "": false,
	} {
		require.Equal(t, want, hosts.IsThisMachine(host), host)
	}
}

func TestToReach(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"0.0.0.0": "localhost", "::": "localhost", "127.0.0.1": "localhost", "::1": "localhost", "::ffff:127.0.0.1": "localhost",
		"10.1.2.3": "10.1.2.3", "2001:db8::1": "2001:db8::1",
	} {
		require.Equal(t, want, hosts.ToReach(netip.MustParseAddr(address)), address)
	}
}

func TestSameURL(t *testing.T) {
	t.Parallel()
	const here = "http://localhost:8080/api/inngest?a=1&b=2"
	for other, want := range map[string]bool{
		here: true,
		"http://127.0.0.1:8080/api/inngest?b=2&a=1":   true,
		"http://[::1]:8080/api/inngest?a=1&b=2":       true,
		"https://localhost:8080/api/inngest?a=1&b=2":  false,
		"http://localhost:8081/api/inngest?a=1&b=2":   false,
		"http://localhost:8080/api/inngest":           false,
		"http://app:8080/api/inngest?a=1&b=2":         false,
		"http://localhost:8080/api%2Finngest?a=1&b=2": false,
		"::": false,
	} {
		require.Equal(t, want, hosts.SameURL(here, other), other)
	}
	require.True(t, hosts.SameURL("http://app/x", "http://app:80/x"))
	require.True(t, hosts.SameURL("https://app/x", "https://app:443/x"))
	require.False(t, hosts.SameURL("https://app/x", "https://app:80/x"))
	require.True(t, hosts.SameURL("%", "%"), "what is not a URL is the same as itself")
}
