package inngesttest

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

// Function is a function as the server has it registered.
type Function struct {
	// ID is the server's own ID of the function, a UUID.
	ID string `json:"id"`
	// Slug is the app's ID and the function's, joined by a hyphen.
	Slug string `json:"slug"`
	// Name is the function's name for people.
	Name string `json:"name"`
	// Config is everything that the server knows about the function, flow control
	// and triggers among it, in the server's own form, which is not the one that
	// SDKs send: the field batchEvents, for example, or retries, which are a
	// field of the only element of steps.
	Config json.RawMessage `json:"-"`
}

// App is an app as the server has it registered.
type App struct {
	// ID is the server's own ID of the app, a UUID made from its Name; by servers up
	// to 1.14.1, from its URL.
	ID string `json:"id"`
	// Name is the ID that the app gave itself; empty until it has synced.
	Name string `json:"externalID"`
	// URL is where the server calls the app.
	URL string `json:"url"`
	// Framework and SDKVersion are what the app said at its last sync.
	Framework  string `json:"framework"`
	SDKVersion string `json:"sdkVersion"`
	// Error is why the last sync failed, in the server's words; empty if it did
	// not.
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
	err = fmt.Errorf("inngesttest: waiting for the functions %s to be registered: %w", strings.Join(missing, ", "), err)
	// ctx is at its end.
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

// Apps returns the registered apps, also those that could not be synced.
func (s *Server) Apps(ctx context.Context) ([]App, error) {
	var answer struct {
		Apps []App `json:"apps"`
	}
	err := s.GraphQL(ctx, `{ apps { id externalID url framework sdkVersion error } }`, nil, &answer)
	return answer.Apps, err
}

// slugCache translates the IDs of functions, which is all that the server says
// about the function of a run. It remembers, because a function may be gone
// when its runs are still there.
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
