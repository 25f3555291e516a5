package devserver

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strconv"
)

// ports are the TCP ports of a server.
type ports struct {
	api     int
	gateway int // of Connect
	// gatewayGRPC and executorGRPC connect the parts of Connect. They are 0 for a server
	// that has fixed ports, 50052 and 50053.
	gatewayGRPC, executorGRPC int
}

const (
	gatewayGRPCFlag  = "--connect-gateway-grpc-port"
	executorGRPCFlag = "--connect-executor-grpc-port"
)

// choosePorts returns ports that were free a moment ago. The API's port is fixed unless
// it is 0.
func choosePorts(ctx context.Context, fixed int, about probed) (ports, error) {
	var p ports
	wanted := []*int{&p.api, &p.gateway}
	if about.takes(gatewayGRPCFlag) && about.takes(executorGRPCFlag) {
		wanted = append(wanted, &p.gatewayGRPC, &p.executorGRPC)
	}
	p.api = fixed
	for _, port := range wanted {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(loopback, strconv.Itoa(*port)))
		switch {
		case err != nil && *port != 0:
			return ports{}, fmt.Errorf("Config.Port %d is not available: %w", *port, err)
		case err != nil:
			return ports{}, fmt.Errorf("choosing a port: %w", err)
		}
		// All are open at the same time, so the system cannot return one twice.
		defer func() { _ = l.Close() }()
		*port = l.Addr().(*net.TCPAddr).Port
	}
	return p, nil
}

// args returns the part of the command line that names the ports.
func (p ports) args() []string {
	args := []string{"--port", strconv.Itoa(p.api), "--connect-gateway-port", strconv.Itoa(p.gateway)}
	if p.gatewayGRPC != 0 {
		args = append(args, gatewayGRPCFlag, strconv.Itoa(p.gatewayGRPC), executorGRPCFlag, strconv.Itoa(p.executorGRPC))
	}
	return args
}

var (
	// takenPort matches the port in a server's log that was not available, with the texts
	// of Unix and of Windows.
	takenPort = regexp.MustCompile(`:(\d+): bind: (?:address already in use|Only one usage of each socket address)`)
	// movedPort matches the line of a newer dev server that chose another port instead.
	movedPort = regexp.MustCompile(`Port conflict, using new port`)
)

// chosenTaken reports whether, according to the log, one of the chosen ports is taken. For
// other ports, another attempt would not help. The oldest server is an exception: it does
// not end because 50052 is taken, but if it ends because the gateway's port is taken, it
// names 50052, whose error occurred first (Run in its pkg/connect/service.go).
func (p ports) chosenTaken(log string) bool {
	if movedPort.MatchString(log) {
		return true
	}
	if p.gatewayGRPC == 0 {
		return takenPort.MatchString(log)
	}
	for _, match := range takenPort.FindAllStringSubmatch(log, -1) {
		switch match[1] {
		case strconv.Itoa(p.api), strconv.Itoa(p.gateway), strconv.Itoa(p.gatewayGRPC), strconv.Itoa(p.executorGRPC):
			return true
		}
	}
	return false
}
