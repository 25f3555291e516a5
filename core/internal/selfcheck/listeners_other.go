//go:build !unix

package selfcheck

import "net/netip"

// ownListeners returns where Go programs usually listen, because the standard library
// cannot list the sockets of this process here. 8080 is Gin's default, 1323 Echo's.
func ownListeners() []netip.AddrPort {
	ports := []uint16{8080, 1323, 8000, 5000, 4000, 8888, 80, 8081, 3001, 9000}
	listeners := make([]netip.AddrPort, len(ports))
	for i, port := range ports {
		listeners[i] = netip.AddrPortFrom(netip.IPv4Unspecified(), port)
	}
	return listeners
}
