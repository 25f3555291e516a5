// Package connect tests what apps that use App.Connect promise when processes, servers and
// databases end. It is its own package because v1.12.1 must be the only server in its network
// (see testsite.Isolated).
package connect
