// Package connect tests App.Connect on the real server. It is its own package because the
// oldest server must be the only one on its machine: whatever its other ports, its parts pass
// calls to each other through the fixed ports 50052 and 50053, and a second server silently
// works without connections. On Linux the tests therefore run in a network namespace of their
// own. Newer servers have configurable ports and run beside those of other packages.
package connect
