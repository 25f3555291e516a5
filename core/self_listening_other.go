//go:build !unix

package inngestkit

import "net/netip"

// ownListeners lists where Go programs usually listen: the standard library does not tell
// here where this process does. 8080 is Gin's default, 1323 Echo's.
func ownListeners() []netip.AddrPort {
	ports := []uint16{8080, 1323, 8000, 5000, 4000, 8888, 80, 8081, 3001, 9000}
	listeners := make([]netip.AddrPort, len(ports))
	for i, port := range ports {
		listeners[i] = netip.AddrPortFrom(netip.IPv4Unspecified(), port)
	}
	return listeners
}
