package app

import (
	"context"
	"net"
	"net/http"
)

// ClientOf returns an HTTP client that asks a name server for each request, because it keeps
// neither names nor connections. Without an address it returns nil.
func ClientOf(resolver string) *http.Client {
	if resolver == "" {
		return nil
	}
	dialer := &net.Dialer{Resolver: &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "udp", resolver)
		},
	}}
	return &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
}
