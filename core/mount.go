package inngestkit

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// mountPoint is where an adapter has mounted the app.
type mountPoint struct {
	framework string
	path      string
}

// MountedAt tells the app where its endpoint is: the full path, with the
// prefixes of all groups. Adapters call it when they mount the app; [App.Start]
// announces this path. If an app is mounted several times, the first counts.
func (a *App) MountedAt(framework, path string) {
	a.mount.CompareAndSwap(nil, &mountPoint{framework: framework, path: path})
}

// announced is the URL the server is told: u, with what the configuration fixes.
func (a *App) announced(u *url.URL) *url.URL {
	announced := *u
	if origin, err := url.Parse(a.config.serveOrigin()); err == nil && origin.Host != "" {
		announced.Scheme, announced.Host = origin.Scheme, origin.Host
	}
	if a.config.ServePath != "" {
		announced.Path = a.config.ServePath
	}
	return &announced
}

// serveOrigin is the configured origin of the app, "" if none is configured.
func (c Config) serveOrigin() string {
	switch {
	case c.ServeHost == "":
		return ""
	case strings.Contains(c.ServeHost, "://"):
		return c.ServeHost
	case hasPort(c.ServeHost):
		return "http://" + c.ServeHost
	default:
		return "http://" + net.JoinHostPort(strings.Trim(c.ServeHost, "[]"), strconv.Itoa(c.servePort()))
	}
}

func hasPort(host string) bool {
	_, port, err := net.SplitHostPort(host)
	return err == nil && port != ""
}

func (c Config) servePort() int {
	if c.ServePort == 0 {
		return defaultServePort
	}
	return c.ServePort
}
