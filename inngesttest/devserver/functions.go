package devserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Function is a function registered with the server.
type Function struct {
	// ID is the server's own ID of the function, a UUID.
	ID string `json:"id"`
	// Slug is the app's ID and the function's, joined by a hyphen.
	Slug string `json:"slug"`
	// Name is the function's display name.
	Name string `json:"name"`
	// Config is everything that the server knows about the function, including flow
	// control and triggers. It has the server's own form, which differs from the one
	// that SDKs send. For example, retries are a field of the only element of steps.
	Config json.RawMessage `json:"-"`
}

// App is an app registered with the server.
type App struct {
	// ID is the server's own ID of the app, a UUID made from its Name; by servers up
	// to 1.14.1, from its URL.
	ID string `json:"id"`
	// Name is the app's own ID, empty until it has synced.
	Name string `json:"externalID"`
	// URL is where the server calls the app.
	URL string `json:"url"`
	// Framework and SDKVersion are those of the last sync.
	Framework  string `json:"framework"`
	SDKVersion string `json:"sdkVersion"`
	// Error is the server's message if the last sync failed, otherwise empty.
	Error string `json:"error"`
}

// Functions returns the registered functions, ordered by slug.
func (s *Server) Functions(ctx context.Context) ([]Function, error) {
	var answer struct {
		Functions []struct {
			Function

			Config string `json:"config"`
		} `json:"functions"`
	}
	// The dev server has them at /dev, too, but the self-hosted mode does not.
	if err := s.GraphQL(ctx, `{ functions { id slug name config } }`, nil, &answer); err != nil {
		return nil, err
	}
	functions := make([]Function, len(answer.Functions))
	for i, f := range answer.Functions {
		functions[i] = f.Function
		functions[i].Config = json.RawMessage(f.Config)
	}
	slices.SortFunc(functions, func(a, b Function) int { return strings.Compare(a.Slug, b.Slug) })
	s.slugs.learn(functions)
	return functions, nil
}

// AwaitFunctions waits until functions with all the slugs are registered. Its
// error, at ctx's end, names those that are missing and the apps' sync errors.
func (s *Server) AwaitFunctions(ctx context.Context, slugs ...string) error {
	missing := slugs
	err := s.poll(ctx, func() (bool, error) {
		functions, err := s.Functions(ctx)
		if err != nil {
			return false, err
		}
		missing = nil
		for _, slug := range slugs {
			if !slices.ContainsFunc(functions, func(f Function) bool { return f.Slug == slug }) {
				missing = append(missing, slug)
			}
		}
		return len(missing) == 0, nil
	})
	if err == nil {
		return nil
	}
	err = fmt.Errorf("devserver: waiting for the functions %s to be registered: %w", strings.Join(missing, ", "), err)
	// ctx has ended.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	apps, appsErr := s.Apps(last)
	if appsErr != nil {
		return errors.Join(err, appsErr)
	}
	for _, app := range apps {
		if app.Error != "" {
			err = fmt.Errorf("%w; app %s: %s", err, app.URL, app.Error)
		}
	}
	return err
}

// Apps returns the registered apps, including those that could not be synced.
func (s *Server) Apps(ctx context.Context) ([]App, error) {
	var answer struct {
		Apps []App `json:"apps"`
	}
	err := s.GraphQL(ctx, `{ apps { id externalID url framework sdkVersion error } }`, nil, &answer)
	return answer.Apps, err
}

// slugCache maps the IDs of functions, which runs contain, to slugs. It never removes
// them, because runs of a function outlive its registration.
type slugCache struct {
	mu   sync.Mutex
	byID map[string]string
}

func (c *slugCache) learn(functions []Function) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID == nil {
		c.byID = make(map[string]string, len(functions))
	}
	for _, f := range functions {
		c.byID[f.ID] = f.Slug
	}
}

func (c *slugCache) slug(id string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	slug, ok := c.byID[id]
	return slug, ok
}
