package manifest

import (
	"net/url"

	"github.com/inngest/inngestgo"
)

// FunctionConfig is one function in a sync. It has the fields of the SDK's own payload,
// in the same form except for those in options.go.
type FunctionConfig struct {
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

// stepConfig has the URL at which the server calls a function.
type stepConfig struct {
	ID      string            `json:"id"`
	Name    string            `json:"name"`
	Runtime map[string]string `json:"runtime"`
	Retries *stepRetries      `json:"retries,omitempty"`
}

type stepRetries struct {
	Attempts int `json:"attempts"`
}

func (a App) functionConfigs() []FunctionConfig {
	configs := make([]FunctionConfig, len(a.Functions))
	for i, f := range a.Functions {
		configs[i] = f.config(*a.URL)
	}
	return configs
}

// config returns the function as the server reads it. endpoint is the URL of the app.
func (f Function) config(endpoint url.URL) FunctionConfig {
	query := endpoint.Query()
	query.Set("fnId", f.ID)
	query.Set("step", AnyStep)
	endpoint.RawQuery = query.Encode()

	o := f.Options
	step := stepConfig{ID: AnyStep, Name: f.Name, Runtime: map[string]string{"type": "http", "url": endpoint.String()}}
	if o.Retries != nil {
		step.Retries = &stepRetries{Attempts: *o.Retries}
	}
	return FunctionConfig{
		Name:        f.Name,
		ID:          f.ID,
		Triggers:    f.Triggers,
		Concurrency: concurrencyOf(o.Concurrency),
		Priority:    o.Priority,
		BatchEvents: batchOf(o.BatchEvents),
		Idempotency: o.Idempotency,
		RateLimit:   o.RateLimit,
		Throttle:    o.Throttle,
		Retries:     o.Retries,
		Debounce:    o.Debounce,
		Checkpoint:  checkpointOf(o.Checkpoint),
		Timeouts:    o.Timeouts,
		Cancel:      o.Cancel,
		Singleton:   o.Singleton,
		Steps:       map[string]stepConfig{AnyStep: step},
	}
}
