package inngesthealth

import (
	"encoding/json"
	"math"
	"time"
)

// FunctionStatus is how a function does.
type FunctionStatus string

// The statuses of a function, over the window and with the threshold of
// [WithFailureThreshold].
const (
	// Healthy is a function that neither is Degraded nor Unhealthy, also one that has
	// never been called.
	Healthy FunctionStatus = "healthy"
	// Degraded is a function whose attempts fail at least as often as the threshold says,
	// while its runs do not, or not yet: they are tried again.
	Degraded FunctionStatus = "degraded"
	// Unhealthy is a function whose runs fail at least as often as the threshold says.
	Unhealthy FunctionStatus = "unhealthy"
)

// FunctionMetrics are what this process has seen of a function since
// [Install]. As JSON, durations are in seconds.
type FunctionMetrics struct {
	// ID is the ID of the function in its app.
	ID     string         `json:"id"`
	Status FunctionStatus `json:"status"`
	// LastExecution is when the last execution ended, LastSuccess when the last run
	// came to a good end here, and LastFailure when the last one failed; nil if there
	// was none.
	LastExecution *time.Time `json:"lastExecution"`
	LastSuccess   *time.Time `json:"lastSuccess"`
	LastFailure   *time.Time `json:"lastFailure"`
	// Executions counts the calls by the server that have ended. A run takes several.
	Executions uint64 `json:"executions"`
	// Active is the number of calls that run now.
	Active int64 `json:"active"`
	// Successes and Failures count the runs that have ended here, with an output or
	// with an error that is not tried again.
	Successes uint64 `json:"successes"`
	Failures  uint64 `json:"failures"`
	// Retries counts the errors, of the function or of a step, after which the server
	// tries again.
	Retries uint64 `json:"retries"`
	// FailureRate is which part of the runs that have ended in the window has failed,
	// from 0 to 1.
	FailureRate float64 `json:"failureRate"`
	// ErrorRate is which part of the attempts in the window has failed, from 0 to 1: of
	// the steps that ran, and of the ends of runs.
	ErrorRate float64 `json:"errorRate"`
	// Durations are those of the last executions.
	Durations Durations `json:"durationSeconds"`
}

// Durations are how long the last executions of a function took, up to 512 of them,
// each from the arrival of the call to the answer, the middleware that is installed
// after this package included. All are 0 if there was none.
type Durations struct {
	P50, P95, Max time.Duration
}

type durationsJSON struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	Max float64 `json:"max"`
}

// MarshalJSON implements json.Marshaler, with seconds.
func (d Durations) MarshalJSON() ([]byte, error) {
	return json.Marshal(durationsJSON{d.P50.Seconds(), d.P95.Seconds(), d.Max.Seconds()})
}

// UnmarshalJSON implements json.Unmarshaler.
func (d *Durations) UnmarshalJSON(data []byte) error {
	var v durationsJSON
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*d = Durations{ofSeconds(v.P50), ofSeconds(v.P95), ofSeconds(v.Max)}
	return nil
}

func ofSeconds(seconds float64) time.Duration {
	return time.Duration(math.Round(seconds * float64(time.Second)))
}

// SystemMetrics are of the process and the Go runtime. As JSON, the uptime is in
// seconds.
type SystemMetrics struct {
	Memory Memory
	// Goroutines is the number of goroutines, HeapBytes the size of what is allocated on
	// the heap, dead or alive.
	Goroutines int
	HeapBytes  uint64
	// MaxProcs is GOMAXPROCS.
	MaxProcs int
	// Uptime is how long ago the process was started, or as good as: when this package
	// was initialized.
	Uptime time.Duration
}

type systemJSON struct {
	Memory        Memory  `json:"memory,omitzero"`
	Goroutines    int     `json:"goroutines"`
	HeapBytes     uint64  `json:"heapBytes"`
	MaxProcs      int     `json:"maxProcs"`
	UptimeSeconds float64 `json:"uptimeSeconds"`
}

// MarshalJSON implements json.Marshaler. A zero Memory is left out.
func (m SystemMetrics) MarshalJSON() ([]byte, error) {
	return json.Marshal(systemJSON{m.Memory, m.Goroutines, m.HeapBytes, m.MaxProcs, m.Uptime.Seconds()})
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *SystemMetrics) UnmarshalJSON(data []byte) error {
	var v systemJSON
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*m = SystemMetrics{v.Memory, v.Goroutines, v.HeapBytes, v.MaxProcs, ofSeconds(v.UptimeSeconds)}
	return nil
}

// Memory is how much memory the process uses and may use. As JSON it also has "used"
// and "limit" as text, in megabytes of 1024 × 1024 bytes, and null for no limit.
//
// There are two kinds of limits, and it is about the one with the higher percentage:
//
//   - The lowest limit of the cgroups the process is in, of version 1 or 2. What is used
//     of it is the working set as kubelet has it: all that is in the cgroup, also of
//     other processes, without the file cache that has not been used lately. Garbage
//     counts here, as the kernel does not know what is garbage.
//   - GOMEMLIMIT, or what debug.SetMemoryLimit has set. What is used of it is what the
//     garbage collector cannot get back: the objects that were alive at the end of its
//     last cycle, which while the program is idle may be two minutes ago, plus stacks
//     and the runtime's own data. Garbage does not count here, as the collector lets it
//     pile up to GOMEMLIMIT on purpose; neither do gaps between objects, nor what C
//     code has.
//
// A Go program that has both is at 95 % of the cgroup's limit by garbage alone if
// GOMEMLIMIT is that high: it should be lower, by a tenth as a rule.
type Memory struct {
	// UsedBytes is what counts against the limit; see above. If there is none it is what
	// the Go runtime has from the operating system, garbage included.
	UsedBytes uint64
	// LimitBytes is the limit, 0 if there is none.
	LimitBytes uint64
	// Percentage is UsedBytes of LimitBytes, 0 if there is no limit. It can be above 100:
	// GOMEMLIMIT is a limit that the runtime exceeds when it has to.
	Percentage float64
}
