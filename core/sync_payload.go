package inngestkit

import (
	"net/url"

	"github.com/inngest/inngestgo"
)

// registerPayload is the body of a sync; see docs/SDK_SPEC.md, 4.3.2.
type registerPayload struct {
	URL          string           `json:"url"`
	V            string           `json:"v"`
	DeployType   string           `json:"deployType"`
	SDK          string           `json:"sdk"`
	Framework    string           `json:"framework,omitempty"`
	AppName      string           `json:"appName"`
	AppVersion   string           `json:"appVersion,omitempty"`
	Functions    []functionConfig `json:"functions"`
	Headers      registerHeaders  `json:"headers"`
	Capabilities capabilities     `json:"capabilities"`
}

type registerHeaders struct {
	Env      string `json:"env"`
	Platform string `json:"platform"`
}

// functionConfig is one function in a sync. It has the fields of the SDK's own
// payload, in the same form but for those in sync_flow.go.
type functionConfig struct {
	Name        string                     `json:"name"`
	ID          string                     `json:"id"`
	Triggers    []inngestgo.Trigger        `json:"triggers"`
	Concurrency any                        `json:"concurrency,omitempty"`
	Priority    *inngestgo.ConfigPriority  `json:"priority,omitempty"`
	BatchEvents *batchConfig               `json:"batchEvents,omitempty"`
	Idempotency *string                    `json:"idempotency,omitempty"`
	RateLimit   *inngestgo.ConfigRateLimit `json:"rateLimit,omitempty"`
	Throttle    *inngestgo.ConfigThrottle  `json:"throttle,omitempty"`
	Retries     *int                       `json:"retries,omitempty"`
	Debounce    *inngestgo.ConfigDebounce  `json:"debounce,omitempty"`
	Checkpoint  *checkpointConfig          `json:"checkpoint,omitempty"`
	Timeouts    *inngestgo.ConfigTimeouts  `json:"timeouts,omitempty"`
	Cancel      []inngestgo.ConfigCancel   `json:"cancel,omitempty"`
	Singleton   *inngestgo.ConfigSingleton `json:"singleton,omitempty"`
	Steps       map[string]stepConfig      `json:"steps"`
}

// stepConfig tells the server where to call a function.
type stepConfig struct {
	ID      string            `json:"id"`
	Name    string            `json:"name"`
	Runtime map[string]string `json:"runtime"`
	Retries *stepRetries      `json:"retries,omitempty"`
}

type stepRetries struct {
	Attempts int `json:"attempts"`
}

func (a *App) registerPayload(appURL *url.URL, framework string) registerPayload {
	return registerPayload{
		URL:          appURL.String(),
		V:            "0.1",
		DeployType:   "ping",
		SDK:          inngestgo.HeaderValueSDK,
		Framework:    framework,
		AppName:      a.config.AppID,
		AppVersion:   a.config.AppVersion,
		Functions:    a.functionConfigs(appURL),
		Headers:      registerHeaders{Env: a.config.Env, Platform: a.config.Platform},
		Capabilities: ourCapabilities,
	}
}

// functionConfigs lists the functions in the order they were registered: the
// server compares syncs, and the same functions should look the same.
func (a *App) functionConfigs(appURL *url.URL) []functionConfig {
	order := a.registry.Load().order
	configs := make([]functionConfig, len(order))
	for i, f := range order {
		configs[i] = f.syncConfig(*appURL)
	}
	return configs
}

func (f *function) syncConfig(endpoint url.URL) functionConfig {
	query := endpoint.Query()
	query.Set("fnId", f.id)
	query.Set("step", anyStep)
	endpoint.RawQuery = query.Encode()

	c := f.config
	name := firstOf(c.Name, f.source.id)
	step := stepConfig{ID: anyStep, Name: name, Runtime: map[string]string{"type": schemeHTTP, "url": endpoint.String()}}
	if c.Retries != nil {
		step.Retries = &stepRetries{Attempts: *c.Retries}
	}
	return functionConfig{
		Name:        name,
		ID:          f.id,
		Triggers:    f.triggers,
		Concurrency: concurrencyOf(c.Concurrency),
		Priority:    c.Priority,
		BatchEvents: batchOf(c.BatchEvents),
		Idempotency: c.Idempotency,
		RateLimit:   c.RateLimit,
		Throttle:    c.Throttle,
		Retries:     c.Retries,
		Debounce:    c.Debounce,
		Checkpoint:  checkpointOf(c.Checkpoint),
		Timeouts:    c.Timeouts,
		Cancel:      c.Cancel,
		Singleton:   c.Singleton,
		Steps:       map[string]stepConfig{anyStep: step},
	}
}
