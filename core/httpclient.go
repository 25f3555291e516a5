package inngestkit

import "net/http"

// newHTTPClient returns a client with connections of its own, so that the app
// can close them when it shuts down without touching anybody else's.
func newHTTPClient() *http.Client {
	client := &http.Client{Timeout: httpTimeout}
	// A program that has replaced the default transport wants all requests to go
	// through its own.
	if transport, ok := http.DefaultTransport.(*http.Transport); ok {
		client.Transport = transport.Clone()
	}
	return client
}

// closeConnections closes the connections that nothing uses any more, if they
// belong to the app.
func (a *App) closeConnections() {
	if a.ownsClient {
		a.config.HTTPClient.CloseIdleConnections()
	}
}
