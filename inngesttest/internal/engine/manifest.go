package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	str2duration "github.com/xhit/go-str2duration/v2"

	"github.com/google/uuid"

	"github.com/inngestkit/inngestkit/inngesttest/internal/limits"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// Limits of pkg/consts of the server.
const (
	defaultRetries = 4
	maxRetries     = 20
)

// manifest is a function in the response to a sync.
type manifest struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Triggers []struct {
		Event      string   `json:"event"`
		Expression string   `json:"expression"`
		Cron       string   `json:"cron"`
		Jitter     duration `json:"jitter"`
	} `json:"triggers"`
	Concurrency json.RawMessage `json:"concurrency"`
	Priority    struct {
		Run string `json:"run"`
	} `json:"priority"`
	BatchEvents *batchOption     `json:"batchEvents"`
	Idempotency *string          `json:"idempotency"`
	RateLimit   *rateOption      `json:"rateLimit"`
	Throttle    *throttleOption  `json:"throttle"`
	Retries     *int             `json:"retries"`
	Debounce    *debounceOption  `json:"debounce"`
	Singleton   *singletonOption `json:"singleton"`
	Cancel      []cancelOption   `json:"cancel"`
	Timeouts    struct {
		Start  duration `json:"start"`
		Finish duration `json:"finish"`
	} `json:"timeouts"`
	Steps map[string]struct {
		Retries *struct {
			Attempts int `json:"attempts"`
		} `json:"retries"`
	} `json:"steps"`
}

// duration is a duration in the server's syntax, which also knows days and weeks.
type duration time.Duration

// UnmarshalJSON implements [json.Unmarshaler].
func (d *duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil || text == "" {
		return err
	}
	parsed, err := str2duration.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("duration %q: %w", text, err)
	}
	*d = duration(parsed)
	return nil
}

// parseFunction reads a function of a sync as the server does.
func parseFunction(config json.RawMessage, v version.Version) (*Function, error) {
	var m manifest
	if err := json.Unmarshal(config, &m); err != nil {
		return nil, fmt.Errorf("the server would refuse a function: %w", err)
	}
	fn := &Function{
		Slug: m.ID, Name: m.Name, MaxAttempts: m.maxAttempts(),
		ID: uuid.NewHash(sha256.New(), uuid.NameSpaceOID, []byte(m.ID), 8).String(),
	}
	for _, t := range m.Triggers {
		trigger := Trigger{Event: t.Event, Condition: t.Expression, Cron: t.Cron, Jitter: time.Duration(t.Jitter)}
		if t.Cron != "" {
			schedule, err := limits.ParseSchedule(t.Cron)
			if err != nil {
				return nil, fmt.Errorf("function %q: %w", m.ID, err)
			}
			trigger.schedule = schedule
		}
		fn.Triggers = append(fn.Triggers, trigger)
	}
	fn.options = options{
		priority: m.Priority.Run, batch: m.BatchEvents, rateLimit: m.RateLimit, throttle: m.Throttle,
		debounce: m.Debounce, singleton: m.Singleton, cancel: m.Cancel,
		startWithin: time.Duration(m.Timeouts.Start), endWithin: time.Duration(m.Timeouts.Finish),
	}
	if b := m.BatchEvents; b != nil && (b.MaxSize < 2 || b.Timeout == 0) {
		fn.options.batch = nil // the server does not batch then
	}
	if m.Idempotency != nil {
		fn.options.rateLimit = &rateOption{Key: *m.Idempotency, once: true}
	}
	if err := fn.options.readConcurrency(m.Concurrency, v); err != nil {
		return nil, fmt.Errorf("function %q: concurrency: %w", m.ID, err)
	}
	return fn, nil
}

func (m *manifest) maxAttempts() int {
	retries := defaultRetries
	for _, step := range m.Steps {
		switch {
		case step.Retries != nil:
			retries = step.Retries.Attempts
		case m.Retries != nil:
			retries = *m.Retries
		}
	}
	return min(retries, maxRetries) + 1
}

// readConcurrency reads the forms of the option: a list of limits on calls, one such limit,
// or an object with limits on calls and runs. [version.Oldest] knows only the first two.
func (o *options) readConcurrency(config json.RawMessage, v version.Version) error {
	config = bytes.TrimSpace(config)
	if len(config) == 0 || string(config) == "null" {
		return nil
	}
	if config[0] == '[' {
		if err := json.Unmarshal(config, &o.concurrency); err != nil {
			return err
		}
		o.dropUnlimited()
		return nil
	}
	var both struct {
		concurrencyOption

		Fn   []concurrencyOption `json:"fn"`
		Step []concurrencyOption `json:"step"`
	}
	if err := json.Unmarshal(config, &both); err != nil {
		return err
	}
	if v == version.Oldest || len(both.Fn)+len(both.Step) == 0 {
		o.concurrency = []concurrencyOption{both.concurrencyOption}
	} else {
		o.concurrency = both.Step
		if len(both.Fn) > 0 {
			o.runs = &both.Fn[0]
		}
	}
	o.dropUnlimited()
	return nil
}

// dropUnlimited leaves out limits of 0, which limit nothing.
func (o *options) dropUnlimited() {
	o.concurrency = slices.DeleteFunc(o.concurrency, func(c concurrencyOption) bool { return c.Limit <= 0 })
}
