//go:build unix

package selfcheck

import (
	"net/netip"
	"syscall"
)

// maxDescriptor bounds the search. The lowest free descriptor is always assigned next, and
// servers listen early.
const maxDescriptor = 1024

// ownListeners returns the addresses where this process listens for TCP connections,
// whatever framework it uses. It leaves every descriptor as it is.
func ownListeners() []netip.AddrPort {
	var listeners []netip.AddrPort
	for fd := range maxDescriptor {
		if addr := listenerAt(fd); addr.Port() != 0 {
			listeners = append(listeners, addr)
		}
	}
	return listeners
}

// listenerAt returns the address where a descriptor listens: it is a socket that is bound
// and has no peer. Sockets of UDP match too, but nothing responds there to HTTP. The result
// is zero for other descriptors.
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
