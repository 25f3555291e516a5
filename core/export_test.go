package inngestkit

import "net/netip"

// ListensAt sets the addresses at which the program of the app listens, because all tests of
// the package run in one program.
func ListensAt(a *App, addresses func() []netip.AddrPort) {
	a.endpoint = a.newEndpointChecker(addresses)
}
