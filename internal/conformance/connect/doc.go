// Package connect tests App.Connect on the real server. It is a package of its own
// because these tests need the machine's only server: whatever its other ports,
// the server passes calls between its parts through the fixed ports 50052 and
// 50053, and a second server silently works without connections. On Linux the
// tests make themselves a machine of their own, a network namespace.
package connect
