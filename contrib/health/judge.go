package inngesthealth

import (
	"errors"
	"fmt"
	"strings"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Report evaluates all indicators and returns the report without details.
func (h *Health) Report() Report {
	if h.memoryThreshold == 0 {
		return h.report(Memory{})
	}
	return h.report(h.recentMemory())
}

// DetailedReport returns the report with details.
func (h *Health) DetailedReport() Report {
	system := h.System()
	r := h.report(system.Memory)
	r.Details = &Details{Memory: system.Memory, Functions: h.Functions(), System: system}
	r.Details.System.Memory = Memory{}
	return r
}

func (h *Health) report(memory Memory) Report {
	r := h.readiness()
	for _, c := range h.checks {
		if c.HealthOnly {
			r.add(c.Name, c.indicator())
		}
	}
	if h.memoryThreshold > 0 && memory.LimitBytes > 0 && memory.Percentage >= h.memoryThreshold {
		r.add(MemoryIndicator, Indicator{Status: Down, Message: fmt.Sprintf(
			"%.1f%% of the memory limit is used; the threshold is %g%%", memory.Percentage, h.memoryThreshold)})
	}
	if count := h.unhealthy(); count > 0 {
		r.add(FunctionsIndicator, Indicator{Status: Down, Message: fmt.Sprintf(
			"%d of %d functions are unhealthy", count, len(h.app.FunctionIDs()))})
	}
	return r
}

// memoryAge is how long a memory reading is reused. Reading the files of the cgroup
// takes longer than the rest of a report.
const memoryAge = time.Second

// memoryAt is a memory reading with its time.
type memoryAt struct {
	Memory

	at time.Time
}

// recentMemory returns a memory reading that is at most memoryAge old.
func (h *Health) recentMemory() Memory {
	last := h.memory.Load()
	if last == nil || time.Since(last.at) >= memoryAge {
		last = &memoryAt{readMemory(), time.Now()}
		h.memory.Store(last)
	}
	return last.Memory
}

// Ready returns nil if the app should receive calls: it has functions, is synced or
// connected if required, is not draining, and all checks except those with HealthOnly
// are up. Otherwise the error says what is wrong. Use it with [Probe] for Fiber's
// healthcheck.
func (h *Health) Ready() error {
	r := h.readiness()
	if r.Status == StatusOK {
		return nil
	}
	var reasons []string
	for _, name := range names(r.Error) {
		reasons = append(reasons, name+": "+r.Error[name].Message)
	}
	return errors.New("inngesthealth: not ready: " + strings.Join(reasons, "; "))
}

// Live returns nil, because a program that can respond is alive. A restart would not
// repair the systems it depends on, and would interrupt a program that drains.
func (h *Health) Live() error { return nil }

// Probe adapts Ready or Live to the middleware of a framework, for example
// Probe[*fiber.Ctx](health.Ready) for Fiber's healthcheck.
func Probe[C any](probe func() error) func(C) bool {
	return func(C) bool { return probe() == nil }
}

// readiness returns the report with the indicators that readiness includes.
func (h *Health) readiness() Report {
	r := newReport()
	r.add(InngestIndicator, h.inngest())
	for _, c := range h.checks {
		if !c.HealthOnly {
			r.add(c.Name, c.indicator())
		}
	}
	if h.draining() {
		r.Status = StatusShuttingDown
	}
	return r
}

func newReport() Report {
	return Report{Status: StatusOK, Info: map[string]Indicator{}, Error: map[string]Indicator{}}
}

func (r *Report) add(name string, i Indicator) {
	if i.Status == Up {
		r.Info[name] = i
		return
	}
	r.Error[name] = i
	if r.Status == StatusOK {
		r.Status = StatusError
	}
}

// inngest returns the indicator of the app itself.
func (h *Health) inngest() Indicator {
	functions := len(h.app.FunctionIDs())
	last, synced := h.app.LastSync()
	i := Indicator{Status: Up, AppInfo: &AppInfo{Functions: functions}}
	if synced {
		i.LastSync = new(wholeSeconds(last.Time))
	}
	var problems []string
	if h.draining() {
		problems = append(problems, "the app is shutting down")
	}
	if functions == 0 {
		problems = append(problems, "no functions are registered")
	}
	connection := h.app.Connection()
	ended := connection == inngestkit.ConnectionUnused && last.Connect
	if connection == inngestkit.ConnectionConnecting || ended {
		problems = append(problems, "not connected to the Inngest server")
	}
	switch {
	case !h.syncRequired:
	case !synced:
		problems = append(problems, "the app is not synced yet")
	case last.Functions != functions:
		problems = append(problems, fmt.Sprintf("%d functions are synced, and %d are registered", last.Functions, functions))
	}
	if len(problems) > 0 {
		i.Status, i.Message = Down, strings.Join(problems, "; ")
	}
	return i
}
