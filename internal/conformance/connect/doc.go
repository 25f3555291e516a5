// Package connect tests App.Connect on the real server. It is a package of its own
// because the oldest server has to be the machine's only one for that: whatever its
// other ports, it passes calls between its parts through the fixed ports 50052 and
// 50053, and a second server silently works without connections. On Linux its tests
// make themselves a machine of their own, a network namespace. Newer servers have
// ports of their own, and run beside those of other packages.
package connect
