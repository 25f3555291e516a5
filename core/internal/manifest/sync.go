// Package manifest builds what an app sends to the Inngest server about itself: the
// functions that a sync announces, and the introspection payload. It makes no requests.
package manifest

import (
	"net/url"

	"github.com/inngest/inngestgo"
)

// AnyStep is the step ID in the URL of a function: the server then means no step in
// particular.
const AnyStep = "step"

// App is an app as a sync announces it.
type App struct {
	ID        string
	Version   string
	Env       string
	Platform  string
	Framework string
	// URL is where the server calls the app.
	URL *url.URL
	// Functions are listed in this order. The server compares syncs, so the order should
	// not change from one to the next.
	Functions []Function
}

// Function is a registered function.
type Function struct {
	ID       string // begins with the ID of the app: "app-fn"
	Name     string // as shown in the Inngest UI
	Triggers []inngestgo.Trigger
	Options  inngestgo.FunctionOpts
}

// Payload is the body of a sync that the app sends to the server; see docs/SDK_SPEC.md,
// 4.3.2, in github.com/inngest/inngest.
type Payload struct {
	URL          string           `json:"url"`
	V            string           `json:"v"`
	DeployType   string           `json:"deployType"`
	SDK          string           `json:"sdk"`
	Framework    string           `json:"framework,omitempty"`
	AppName      string           `json:"appName"`
	AppVersion   string           `json:"appVersion,omitempty"`
	Functions    []FunctionConfig `json:"functions"`
	Headers      payloadHeaders   `json:"headers"`
	Capabilities Capabilities     `json:"capabilities"`
}

type payloadHeaders struct {
	Env      string `json:"env"`
	Platform string `json:"platform"`
}

// Payload returns the body of a sync out of band, which the app sends to the server.
func (a App) Payload() Payload {
	return Payload{
		URL:          a.URL.String(),
		V:            "0.1",
		DeployType:   "ping",
		SDK:          inngestgo.HeaderValueSDK,
		Framework:    a.Framework,
		AppName:      a.ID,
		AppVersion:   a.Version,
		Functions:    a.functionConfigs(),
		Headers:      payloadHeaders{Env: a.Env, Platform: a.Platform},
		Capabilities: Supported,
	}
}

// InBand is the response to a sync in band, which the server asks the app for.
type InBand struct {
	AppID       string           `json:"app_id"`
	AppVersion  string           `json:"app_version,omitempty"`
	Env         *string          `json:"env"`
	Framework   *string          `json:"framework"`
	Functions   []FunctionConfig `json:"functions"`
	Inspection  Inspection       `json:"inspection"`
	Platform    *string          `json:"platform"`
	SDKAuthor   string           `json:"sdk_author"`
	SDKLanguage string           `json:"sdk_language"`
	SDKVersion  string           `json:"sdk_version"`
	URL         string           `json:"url"`
}

// InBand returns the response to a sync in band.
func (a App) InBand(inspection Inspection) InBand {
	return InBand{
		AppID:       a.ID,
		AppVersion:  a.Version,
		Env:         optional(a.Env),
		Framework:   optional(a.Framework),
		Functions:   a.functionConfigs(),
		Inspection:  inspection,
		Platform:    optional(a.Platform),
		SDKAuthor:   inngestgo.SDKAuthor,
		SDKLanguage: inngestgo.SDKLanguage,
		SDKVersion:  inngestgo.SDKVersion,
		URL:         a.URL.String(),
	}
}

// optional returns nil for "".
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
