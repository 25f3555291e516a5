package testsite

import (
	"context"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// NewClient returns an HTTP client with its own connections, like the server's to an
// app.
func NewClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// Request sends one request and reads the response.
func Request(
	ctx context.Context, client *http.Client, method, url, body string, header http.Header,
) (status int, answer string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	maps.Copy(req.Header, header)
	req.Host = header.Get("Host")
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, strings.TrimSpace(string(text)), err
}
