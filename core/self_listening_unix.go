//go:build unix

package inngestkit

import (
	"net/netip"
	"syscall"
)

// maxDescriptor bounds the search: descriptors are given out from the lowest free one on,
// and servers listen early.
const maxDescriptor = 1024

// ownListeners lists the addresses where this process listens for TCP connections,
// whatever framework does it. It only asks: every descriptor stays as it is.
func ownListeners() []netip.AddrPort {
	var listeners []netip.AddrPort
	for fd := range maxDescriptor {
		if addr := listenerAt(fd); addr.Port() != 0 {
			listeners = append(listeners, addr)
		}
	}
	return listeners
}

// listenerAt is the address where a descriptor listens, and none if it does not: it is a
// socket that is bound and has no peer. Those of UDP are too, and nobody answers there.
func listenerAt(fd int) netip.AddrPort {
	if _, err := syscall.Getpeername(fd); err == nil {
		return netip.AddrPort{}
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}
	}
	var ip netip.Addr
	var port int
	switch bound := bound.(type) {
	case *syscall.SockaddrInet4:
		ip, port = netip.AddrFrom4(bound.Addr), bound.Port
	case *syscall.SockaddrInet6:
		ip, port = netip.AddrFrom16(bound.Addr), bound.Port
	}
	return netip.AddrPortFrom(ip, uint16(port))
}
