package inngesthealth

import (
	"maps"
	"slices"
	"time"
)

// Status is the status of a [Report].
type Status string

// The statuses of a report, named as in NestJS Terminus.
const (
	// StatusOK means that every indicator is up. The endpoint responds with 200.
	StatusOK Status = "ok"
	// StatusError means that at least one indicator is down. The endpoint responds with
	// 503.
	StatusError Status = "error"
	// StatusShuttingDown means that the app is draining, after [Health.Drain] or
	// App.Shutdown, regardless of the indicators. The endpoint responds with 503.
	StatusShuttingDown Status = "shutting_down"
)

// IndicatorStatus is the status of an [Indicator].
type IndicatorStatus string

// The statuses of an indicator.
const (
	Up   IndicatorStatus = "up"
	Down IndicatorStatus = "down"
)

// The names of the built-in indicators.
const (
	// InngestIndicator is up if the app has functions, accepts calls, and is synced or
	// connected if required.
	InngestIndicator = "inngest"
	// ServerIndicator is up if the Inngest server responds; see [WithServerCheck].
	ServerIndicator = "inngest-server"
	// MemoryIndicator appears only while the memory is short; see
	// [WithMemoryThreshold].
	MemoryIndicator = "memory"
	// FunctionsIndicator appears only while functions are unhealthy; see
	// [WithFailureThreshold].
	FunctionsIndicator = "functions"
)

// A Report is the response of the health endpoint. As JSON it has the shape of
// nestjs-inngest, which is that of NestJS Terminus except for the details and without
// an empty error.
type Report struct {
	Status Status `json:"status"`
	// Info has the indicators that are up, by name. Error has those that are down.
	Info  map[string]Indicator `json:"info"`
	Error map[string]Indicator `json:"error,omitempty"`
	// Details is nil unless requested.
	Details *Details `json:"details,omitempty"`
}

// An Indicator is one part of a [Report].
type Indicator struct {
	Status IndicatorStatus `json:"status"`
	// Message says what is wrong, or that a check has no result yet. It is "" if
	// nothing is wrong. It never contains the text of an error that is not [Public].
	Message string `json:"message,omitempty"`
	// AppInfo is set for [InngestIndicator], and nil for all others.
	*AppInfo //nolint:embeddedstructfieldcheck // in JSON, its fields follow the status
	// AgeSeconds is the age of the result of a [Check]. It is nil before the first
	// result, and for other indicators, which are evaluated for each report.
	AgeSeconds *float64 `json:"ageSeconds,omitempty"`
}

// AppInfo describes the app in the [InngestIndicator].
type AppInfo struct {
	// Functions is the number of functions that are registered.
	Functions int `json:"functions"`
	// LastSync is when this process last announced the functions to the server, in
	// whole seconds. It is nil if it never did.
	LastSync *time.Time `json:"lastSync"`
}

// names returns the names of indicators in the order of the page: InngestIndicator
// first, then by name.
func names(indicators map[string]Indicator) []string {
	return slices.SortedFunc(maps.Keys(indicators), func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == InngestIndicator || b != InngestIndicator && a < b:
			return -1
		default:
			return 1
		}
	})
}

// Details are the metrics in a detailed [Report].
type Details struct {
	Memory Memory `json:"memory"`
	// Functions is in the order of registration.
	Functions []FunctionMetrics `json:"functions"`
	// System has a zero Memory, because Memory above has it.
	System SystemMetrics `json:"system"`
}
