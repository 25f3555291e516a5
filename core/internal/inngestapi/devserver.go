package inngestapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// maxInfoBytes bounds the responses with the whole configuration of every function of every
// app.
const maxInfoBytes = 64 << 20

// ErrNoDevServer reports that a server does not list the functions it knows, as dev servers
// do.
var ErrNoDevServer = errors.New("this is not a dev server")

// KnownFunctions returns the URLs at which a dev server calls each function it knows, of all
// apps, by the function's ID at the server. Servers up to 1.14.1 may know several URLs. A
// self-hosted server has the same endpoint, but requires a key for it and does not forget
// functions.
func (c *Client) KnownFunctions(ctx context.Context) (map[string][]string, error) {
	resp := c.do(ctx, request{method: http.MethodGet, to: c.api, path: "/dev", limit: maxInfoBytes}, "")
	_, tooLarge := errors.AsType[*tooLargeError](resp.err)
	switch {
	case tooLarge:
		return nil, fmt.Errorf("%w: %w", ErrNoDevServer, resp.err)
	case resp.err != nil:
		return nil, resp.err
	case resp.status >= http.StatusInternalServerError: // probably a proxy
		return nil, fmt.Errorf("it responded with %s", statusText(resp.status))
	case resp.status != http.StatusOK || resp.serverKind == "cloud":
		return nil, fmt.Errorf("%w: it responded with %s", ErrNoDevServer, statusText(resp.status))
	}
	var info struct {
		Functions []struct {
			Slug  string `json:"slug"`
			Steps []struct {
				URI string `json:"uri"`
			} `json:"steps"`
		} `json:"functions"`
	}
	if err := json.Unmarshal(resp.body, &info); err != nil || info.Functions == nil {
		return nil, fmt.Errorf("%w: it does not list functions", ErrNoDevServer)
	}
	known := make(map[string][]string, len(info.Functions))
	for _, f := range info.Functions {
		urls := known[f.Slug]
		for _, step := range f.Steps {
			urls = append(urls, appURL(step.URI))
		}
		known[f.Slug] = urls
	}
	return known, nil
}

// appURL returns the URL of the app from that of one of its functions: without the
// parameters that name the function.
func appURL(functionURL string) string {
	u, err := url.Parse(functionURL)
	if err != nil {
		return functionURL
	}
	query := u.Query()
	query.Del("fnId")
	query.Del("step")
	u.RawQuery = query.Encode()
	return u.String()
}

// App is an app that a server knows.
type App struct {
	Name string `json:"externalID"`
	URL  string `json:"url"`
	// Error is why the last sync failed, or why the server could not reach the app in its
	// last attempt; "" if both succeeded.
	Error string `json:"error"`
}

// Apps returns the apps that a dev server or a self-hosted server knows.
func (c *Client) Apps(ctx context.Context) ([]App, error) {
	resp := c.do(ctx, request{
		method: http.MethodPost, to: c.api, path: "/v0/gql",
		body: []byte(`{"query":"{ apps { externalID url error } }"}`), limit: maxInfoBytes,
	}, "")
	if resp.err != nil {
		return nil, resp.err
	}
	var result struct {
		Data struct {
			Apps []App `json:"apps"`
		} `json:"data"`
	}
	if err := json.Unmarshal(resp.body, &result); err != nil || resp.status != http.StatusOK {
		return nil, fmt.Errorf("it responded with %s", statusText(resp.status))
	}
	apps := result.Data.Apps
	for i := range apps {
		apps[i].Error = c.secrets.Text(apps[i].Error)
	}
	return apps, nil
}

// RemoveApp makes a dev server forget the app at a URL. It ignores failures: the server then
// still lists the app.
func (c *Client) RemoveApp(ctx context.Context, appURL string) {
	c.do(ctx, request{method: http.MethodDelete, to: c.api, path: removalPath(appURL)}, "")
}

// RemovalURL returns the URL, without its password, whose DELETE makes a dev server forget
// the app at a URL.
func (c *Client) RemovalURL(appURL string) string { return c.api.String() + removalPath(appURL) }

func removalPath(appURL string) string {
	return "/fn/remove?" + url.Values{"url": {appURL}}.Encode()
}
