package inngestkit

import "net/netip"

// ListensAt has the app take these addresses for those where its program listens. The
// tests of the package all listen in one program.
func ListensAt(a *App, addresses func() []netip.AddrPort) { a.endpoint = a.newChecker(addresses) }
