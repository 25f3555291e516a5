package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/inngesttest/internal/limits"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// A Function is a function of an app, as the server keeps it. An app that is synced again
// changes its functions in place, so runs under way have the new version.
type Function struct {
	// Slug is the ID of the app and of the function, joined by a hyphen.
	Slug string
	// ID is the server's own ID, a UUID.
	ID   string
	Name string
	App  *App
	// MaxAttempts is one more than the function's retries.
	MaxAttempts int
	// Triggers start runs, in the order of the sync.
	Triggers []Trigger

	options  options
	limiters *limiters
}

// A Trigger starts runs of a function.
type Trigger struct {
	// Event is the name of an event, or a wildcard; "" for a schedule.
	Event string
	// Condition is an expression that must hold; "" for none.
	Condition string
	// Cron is the text of a schedule; "" for an event.
	Cron string
	// Jitter delays scheduled runs at random, by less than this.
	Jitter time.Duration

	schedule *limits.Schedule
}

// options are the flow control of a function.
type options struct {
	concurrency []concurrencyOption
	runs        *concurrencyOption // concurrency.fn
	priority    string
	batch       *batchOption
	rateLimit   *rateOption
	throttle    *throttleOption
	debounce    *debounceOption
	singleton   *singletonOption
	cancel      []cancelOption
	startWithin time.Duration // timeouts.start, 0 for none
	endWithin   time.Duration // timeouts.finish, 0 for none
}

type concurrencyOption struct {
	Limit int    `json:"limit"`
	Key   string `json:"key"`
	Scope string `json:"scope"`
}

type rateOption struct {
	Limit  int      `json:"limit"`
	Period duration `json:"period"`
	Key    string   `json:"key"`
	// once marks the option "idempotency", which is a rate limit to the server.
	once bool
}

type throttleOption struct {
	Limit  int      `json:"limit"`
	Burst  int      `json:"burst"`
	Period duration `json:"period"`
	Key    string   `json:"key"`
}

type batchOption struct {
	Key     string   `json:"key"`
	MaxSize int      `json:"maxSize"`
	Timeout duration `json:"timeout"`
	If      string   `json:"if"`
}

type debounceOption struct {
	Key     string   `json:"key"`
	Period  duration `json:"period"`
	Timeout duration `json:"timeout"`
}

type singletonOption struct {
	Key  string `json:"key"`
	Mode string `json:"mode"`
}

type cancelOption struct {
	Event   string `json:"event"`
	Timeout string `json:"timeout"`
	If      string `json:"if"`
}

// limiters keep what flow control knows of a function.
type limiters struct {
	rateLimit *limits.RateLimit
	throttle  *limits.Throttle
	batches   *limits.Batches[*Event]
	debounces *limits.Debounces[*Event]
	singleton limits.Singleton
	// wake is the time at which the throttle lets a run start next.
	wake time.Time
	// delay is the timer of the batches or debounces.
	delay *item
}

// AddApp syncs an app, as a server does in band. An app with the same ID is replaced: runs
// under way continue with the functions as they are now.
func (e *Engine) AddApp(ctx context.Context, a *App) error {
	req, err := syncRequest(ctx, a)
	if err != nil {
		return err
	}
	resp := a.Do(ctx, req)
	if resp.Status != http.StatusOK {
		return fmt.Errorf("app %q cannot be synced: it responded with status %d: %s", a.ID, resp.Status, resp.Body)
	}
	var synced struct {
		AppID     string            `json:"app_id"`
		Functions []json.RawMessage `json:"functions"`
	}
	if err := json.Unmarshal(resp.Body, &synced); err != nil {
		return fmt.Errorf("app %q cannot be synced: its response is not the JSON of a sync: %w", a.ID, err)
	}
	a.ID = synced.AppID
	fns := make([]*Function, len(synced.Functions))
	for i, config := range synced.Functions {
		fn, err := parseFunction(config, e.cfg.Version)
		if err != nil {
			return fmt.Errorf("app %q cannot be synced: %w", a.ID, err)
		}
		fn.App = a
		fns[i] = fn
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.replaceApp(a, fns)
	return nil
}

// syncRequest returns the request that asks an app for its functions.
func syncRequest(ctx context.Context, a *App) (*adapter.Request, error) {
	body := []byte(`{"url":"http://` + appHost + appPath + `"}`)
	req := &adapter.Request{
		Method: http.MethodPut, Path: appPath, Host: appHost, Scheme: "http",
		Header: http.Header{
			"Content-Type":        {"application/json"},
			"X-Inngest-Sync-Kind": {"in_band"},
		},
		Body: bytes.NewReader(body), ContentLength: int64(len(body)),
	}
	if err := sign(ctx, a, req.Header, body); err != nil {
		return nil, fmt.Errorf("app %q cannot be synced: its signing key: %w", a.ID, err)
	}
	return req, nil
}

// Functions returns the functions of all apps, in the order of registration.
func (e *Engine) Functions() []*Function {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.order)
}

// replaceApp takes the functions of an app in the place of those that it had.
func (e *Engine) replaceApp(a *App, fns []*Function) {
	e.apps = append(slices.DeleteFunc(e.apps, func(old *App) bool { return old.ID == a.ID }), a)
	e.order = slices.DeleteFunc(e.order, func(old *Function) bool {
		if old.App.ID != a.ID {
			return false
		}
		old.App = a // runs under way call the app that is there now
		return !slices.ContainsFunc(fns, func(fn *Function) bool { return fn.Slug == old.Slug })
	})
	for _, fn := range fns {
		if known := e.functions[fn.Slug]; known != nil {
			fn = known.update(fn, e.cfg.Version)
		} else {
			fn.limiters = newLimiters(&fn.options, e.cfg.Version)
			e.functions[fn.Slug] = fn
		}
		if !slices.Contains(e.order, fn) {
			e.order = append(e.order, fn)
		}
	}
	e.scheduleCrons(a)
}

// update makes fn the new version of a function.
func (f *Function) update(fn *Function, v version.Version) *Function {
	fn.limiters = f.limiters
	if !reflect.DeepEqual(f.options, fn.options) {
		fn.limiters = newLimiters(&fn.options, v)
	}
	*f = *fn
	return f
}

func newLimiters(o *options, v version.Version) *limiters {
	l := &limiters{}
	switch {
	case o.rateLimit == nil:
	case o.rateLimit.once:
		l.rateLimit = limits.NewIdempotencyOption(v)
	default:
		l.rateLimit = limits.NewRateLimit(v, o.rateLimit.Limit, time.Duration(o.rateLimit.Period))
	}
	if t := o.throttle; t != nil {
		l.throttle = limits.NewThrottle(v, t.Limit, t.Burst, time.Duration(t.Period))
	}
	if b := o.batch; b != nil {
		l.batches = limits.NewBatches[*Event](v, b.MaxSize, time.Duration(b.Timeout))
	}
	if d := o.debounce; d != nil {
		l.debounces = limits.NewDebounces[*Event](time.Duration(d.Period), time.Duration(d.Timeout))
	}
	return l
}
