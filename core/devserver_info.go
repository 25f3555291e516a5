package inngestkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// maxInfoBytes bounds what is read of what the server knows: it tells the whole
// configuration of every function of every app.
const maxInfoBytes = 64 << 20

// errNoDevServer says that a server does not answer the question.
var errNoDevServer = errors.New("this is not a dev server")

// knownFunctions asks the dev server for the functions it knows, of all apps, and
// returns the URLs that it calls each at: several if servers up to 1.14.1 have been told
// several. A self-hosted server has the same endpoint, but wants a key for it and does
// not forget.
func (a *App) knownFunctions(ctx context.Context) (map[string][]string, error) {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.config.APIBaseURL+"/dev", http.NoBody)
	if err != nil {
		return nil, err
	}
	a.config.setHeaders(req, "")
	resp, err := a.config.HTTPClient.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= http.StatusInternalServerError {
		return nil, fmt.Errorf("it answered %s", resp.Status) // a proxy, probably
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get(headerServerKind) == "cloud" {
		return nil, fmt.Errorf("%w: it answered %s", errNoDevServer, resp.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxInfoBytes))
	if err != nil {
		return nil, err
	}
	var info struct {
		Functions []struct {
			Slug  string `json:"slug"`
			Steps []struct {
				URI string `json:"uri"`
			} `json:"steps"`
		} `json:"functions"`
	}
	if err := json.Unmarshal(raw, &info); err != nil || info.Functions == nil {
		return nil, fmt.Errorf("%w: it does not list functions", errNoDevServer)
	}
	known := make(map[string][]string, len(info.Functions))
	for _, f := range info.Functions {
		urls := known[f.Slug]
		for _, step := range f.Steps {
			urls = append(urls, endpointOf(step.URI))
		}
		known[f.Slug] = urls
	}
	return known, nil
}

// endpointOf is the URL of the endpoint in that of a function: without the parameters
// that name the function.
func endpointOf(functionURL string) string {
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

// serverApp is an app as the server has it.
type serverApp struct {
	Name string `json:"externalID"`
	URL  string `json:"url"`
	// Error is why the last sync failed, or why the server could not reach the app when
	// it last tried; "" if all is well.
	Error string `json:"error"`
}

// serverApps asks a dev server or a self-hosted one for its apps.
func (a *App) serverApps(ctx context.Context) ([]serverApp, error) {
	body := []byte(`{"query":"{ apps { externalID url error } }"}`)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.config.APIBaseURL+"/v0/gql", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	a.config.setHeaders(req, "")
	resp, err := a.config.HTTPClient.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxInfoBytes))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Apps []serverApp `json:"apps"`
		} `json:"data"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answered %s", resp.Status)
	}
	return answer.Data.Apps, nil
}
