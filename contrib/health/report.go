package inngesthealth

import (
	"maps"
	"slices"
	"time"
)

// Status is the status of a [Report].
type Status string

// The statuses of a report, by the names of NestJS Terminus.
const (
	// StatusOK means that every indicator is up. The endpoint answers with 200.
	StatusOK Status = "ok"
	// StatusError means that at least one is down. The endpoint answers with 503.
	StatusError Status = "error"
	// StatusShuttingDown means that the app drains, whatever else is up or down: after
	// [Health.Drain], or when App.Shutdown has begun. The endpoint answers with 503.
	StatusShuttingDown Status = "shutting_down"
)

// IndicatorStatus is the status of an [Indicator].
type IndicatorStatus string

// The statuses of an indicator.
const (
	Up   IndicatorStatus = "up"
	Down IndicatorStatus = "down"
)

// The names of the indicators that are built in.
const (
	// InngestIndicator is the app itself: whether it has functions, is synced or
	// connected where it has to be, and takes calls.
	InngestIndicator = "inngest"
	// ServerIndicator is the Inngest server; see [WithServerCheck].
	ServerIndicator = "inngest-server"
	// MemoryIndicator is there while the memory is short; see [WithMemoryThreshold].
	MemoryIndicator = "memory"
	// FunctionsIndicator is there while functions fail; see [WithFailureThreshold].
	FunctionsIndicator = "functions"
)

// Report is what the health endpoint answers. As JSON it has the shape of nestjs-inngest:
// that of NestJS Terminus, but for the details, and without an empty error.
type Report struct {
	Status Status `json:"status"`
	// Info has the indicators that are up, by name, and Error those that are down.
	Info  map[string]Indicator `json:"info"`
	Error map[string]Indicator `json:"error,omitempty"`
	// Details is nil unless asked for.
	Details *Details `json:"details,omitempty"`
}

// Indicator is one part of a [Report].
type Indicator struct {
	Status IndicatorStatus `json:"status"`
	// Message says what is wrong, or that there is no result yet; "" if nothing is. It
	// never is the text of an error, unless [Public] says so.
	Message string `json:"message,omitempty"`
	// Inngest is of [InngestIndicator], and nil for all others.
	*AppInfo //nolint:embeddedstructfieldcheck // the fields are to come behind the status
	// AgeSeconds is how long ago the result of a [Check] was had, nil before the first
	// one, and for all other indicators, which are looked at anew.
	AgeSeconds *float64 `json:"ageSeconds,omitempty"`
}

// AppInfo is what [InngestIndicator] tells of the app.
type AppInfo struct {
	// Functions is the number of functions that are registered.
	Functions int `json:"functions"`
	// LastSync is when the server has last been told of them by this process, in whole
	// seconds; nil if it was not.
	LastSync *time.Time `json:"lastSync"`
}

// names are the names of indicators in the order of the page: the app's first.
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
	// Functions are in the order they were registered.
	Functions []FunctionMetrics `json:"functions"`
	// System is without its Memory, which is beside it.
	System SystemMetrics `json:"system"`
}
