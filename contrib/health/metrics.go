package inngesthealth

import (
	"encoding/json"
	"math"
	"time"
)

// FunctionStatus is the health of a function.
type FunctionStatus string

// The statuses of a function, for the threshold and the window of
// [WithFailureThreshold].
const (
	// Healthy means neither Degraded nor Unhealthy. It includes functions that were
	// never called.
	Healthy FunctionStatus = "healthy"
	// Degraded means that the share of failed attempts has reached the threshold, but
	// the share of failed runs has not, for example because the attempts are retried.
	Degraded FunctionStatus = "degraded"
	// Unhealthy means that the share of failed runs has reached the threshold.
	Unhealthy FunctionStatus = "unhealthy"
)

// FunctionMetrics are the metrics of a function in this process since [Install]. As
// JSON, durations are in seconds.
type FunctionMetrics struct {
	// ID is the ID of the function in its app.
	ID     string         `json:"id"`
	Status FunctionStatus `json:"status"`
	// LastExecution is the end of the last execution. LastSuccess and LastFailure are
	// the end of the last run that succeeded and of the last run that failed. They are
	// in whole seconds, and nil for never.
	LastExecution *time.Time `json:"lastExecution"`
	LastSuccess   *time.Time `json:"lastSuccess"`
	LastFailure   *time.Time `json:"lastFailure"`
	// Executions is the number of finished calls by the server. A run takes several
	// calls.
	Executions uint64 `json:"executions"`
	// Active is the number of calls in progress.
	Active int64 `json:"active"`
	// Successes and Failures are the numbers of finished runs: with an output, or with
	// an error that is not retried.
	Successes uint64 `json:"successes"`
	Failures  uint64 `json:"failures"`
	// Retries is the number of errors, of the function or of a step, that the server
	// retries.
	Retries uint64 `json:"retries"`
	// FailureRate is the share of failed runs among those that ended in the window,
	// from 0 to 1.
	FailureRate float64 `json:"failureRate"`
	// ErrorRate is the share of failed attempts in the window, from 0 to 1. Attempts
	// are steps that ran, and the last calls of runs or their retries.
	ErrorRate float64 `json:"errorRate"`
	// Durations summarizes the durations of the last executions.
	Durations Durations `json:"durationSeconds"`
}

// Durations are the percentiles and the maximum of a function's last executions, up to
// 512. An execution lasts from the arrival of the call to the response, including
// middleware installed after this package. All values are 0 without an execution.
type Durations struct {
	P50, P95, Max time.Duration
}

type durationsJSON struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	Max float64 `json:"max"`
}

// MarshalJSON implements json.Marshaler. The values are in seconds.
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

// SystemMetrics are the metrics of the process and the Go runtime. As JSON, the uptime
// is in seconds.
type SystemMetrics struct {
	Memory Memory
	// Goroutines is the number of goroutines. HeapBytes is the size of all objects on
	// the heap, including garbage.
	Goroutines int
	HeapBytes  uint64
	// MaxProcs is GOMAXPROCS.
	MaxProcs int
	// Uptime is the time since the process started, or more exactly since this package
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

// MarshalJSON implements json.Marshaler. It omits a zero Memory.
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

// Memory is the memory that the process uses and its limit. As JSON it also has "used"
// and "limit" as text, in megabytes of 1024 × 1024 bytes, and null for no limit.
//
// If two kinds of limits apply, Memory describes the one with the higher percentage:
//
//   - The lowest limit of the process's cgroups, of version 1 or 2. The usage is the working
//     set as kubelet defines it: all memory of the cgroup, including other processes, except
//     the file cache that has not been used recently. Garbage counts, because the kernel
//     cannot tell it apart.
//   - GOMEMLIMIT, or the limit set by debug.SetMemoryLimit. The usage is the memory that the
//     garbage collector cannot reclaim: the objects that were alive at the end of its last
//     cycle, which may be two minutes ago in an idle program, plus stacks and the runtime's
//     own data. Garbage does not count, because the collector deliberately lets it grow up to
//     GOMEMLIMIT. Gaps between objects and the memory of C code do not count either.
//
// If GOMEMLIMIT is as high as the limit of the cgroup, garbage alone may bring the
// cgroup to 95 %. Set GOMEMLIMIT lower, usually by a tenth.
type Memory struct {
	// UsedBytes is the usage that counts against the limit; see above. Without a limit,
	// it is the memory that the Go runtime has from the operating system, including
	// garbage.
	UsedBytes uint64
	// LimitBytes is the limit, 0 if none.
	LimitBytes uint64
	// Percentage is UsedBytes as a percentage of LimitBytes, 0 without a limit. It can
	// exceed 100, because the runtime exceeds GOMEMLIMIT when it must.
	Percentage float64
}
