// Package hosts compares hosts and URLs as this machine and the Inngest server see them.
package hosts

import (
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
)

// Localhost is the name of the loopback interface.
const Localhost = "localhost"

// IsLoopback reports whether a host means, on every machine, that machine itself.
func IsLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == Localhost || strings.HasSuffix(host, "."+Localhost) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.Unmap().IsLoopback() || ip.IsUnspecified())
}

// IsThisMachine reports whether a host is this machine, as far as that shows without a
// lookup in the network.
func IsThisMachine(host string) bool {
	if IsLoopback(host) {
		return true
	}
	if name, err := os.Hostname(); err == nil && strings.EqualFold(name, host) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	addresses, err := net.InterfaceAddrs()
	return err == nil && slices.ContainsFunc(addresses, func(own net.Addr) bool {
		prefix, err := netip.ParsePrefix(own.String())
		return err == nil && prefix.Addr() == ip.Unmap()
	})
}

// ToReach returns the host under which this machine reaches a program that listens at an
// address.
func ToReach(address netip.Addr) string {
	if address.IsUnspecified() || address.Unmap().IsLoopback() {
		return Localhost
	}
	return address.String()
}

// SameURL reports whether two URLs are the same to the server, which treats all names of
// the loopback interface as one (NormalizeAppURL in its pkg/util).
func SameURL(a, b string) bool { return normalized(a) == normalized(b) }

func normalized(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return s
	}
	host, port := u.Hostname(), u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	if IsLoopback(host) {
		host = Localhost
	}
	return u.Scheme + "://" + host + ":" + port + u.EscapedPath() + "?" + u.Query().Encode()
}
