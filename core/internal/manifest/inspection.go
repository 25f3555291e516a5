package manifest

import "github.com/inngest/inngestgo"

// schemaVersion is the version of the introspection payload; see docs/SDK_SPEC.md, 4.5,
// in github.com/inngest/inngest.
const schemaVersion = "2024-05-24"

// Settings is what introspection reports about an app. It has hashes of keys, not keys;
// "" means that something is not set.
type Settings struct {
	AppID           string
	Env             string
	Framework       string
	Dev             bool
	APIOrigin       string
	EventAPIOrigin  string
	ServeOrigin     string
	ServePath       string
	SigningKeyHash  string
	FallbackKeyHash string
	EventKeyHash    string
	Functions       int
}

// Inspection is the introspection payload.
type Inspection struct {
	*privateInspection

	SchemaVersion           string       `json:"schema_version"`
	AuthenticationSucceeded *bool        `json:"authentication_succeeded"`
	Capabilities            Capabilities `json:"capabilities"`
	FunctionCount           int          `json:"function_count"`
	HasEventKey             bool         `json:"has_event_key"`
	HasSigningKey           bool         `json:"has_signing_key"`
	HasSigningKeyFallback   bool         `json:"has_signing_key_fallback"`
	Mode                    string       `json:"mode"`
}

// privateInspection is only for callers that know the signing key.
type privateInspection struct {
	APIOrigin              string  `json:"api_origin"`
	AppID                  string  `json:"app_id"`
	Env                    *string `json:"env"`
	EventAPIOrigin         string  `json:"event_api_origin"`
	EventKeyHash           *string `json:"event_key_hash"`
	Framework              string  `json:"framework"`
	SDKLanguage            string  `json:"sdk_language"`
	SDKVersion             string  `json:"sdk_version"`
	ServeOrigin            *string `json:"serve_origin"`
	ServePath              *string `json:"serve_path"`
	SigningKeyFallbackHash *string `json:"signing_key_fallback_hash"`
	SigningKeyHash         *string `json:"signing_key_hash"`
}

// Capabilities are the versions of what an app supports in addition to calls.
type Capabilities struct {
	Connect    string `json:"connect"`
	InBandSync string `json:"in_band_sync"`
	TrustProbe string `json:"trust_probe"`
}

// Supported is what every app supports.
var Supported = Capabilities{Connect: "v1", InBandSync: "v1", TrustProbe: "v1"}

// Inspect returns the introspection payload. authenticated reports whether the request
// has a good signature, nil if it has none. Only a good one gets the private part.
func (s Settings) Inspect(authenticated *bool) Inspection {
	i := Inspection{
		SchemaVersion:           schemaVersion,
		AuthenticationSucceeded: authenticated,
		Capabilities:            Supported,
		FunctionCount:           s.Functions,
		HasEventKey:             s.EventKeyHash != "",
		HasSigningKey:           s.SigningKeyHash != "",
		HasSigningKeyFallback:   s.FallbackKeyHash != "",
		Mode:                    "cloud",
	}
	if s.Dev {
		i.Mode = "dev"
	}
	if authenticated == nil || !*authenticated {
		return i
	}
	i.privateInspection = &privateInspection{
		APIOrigin:              s.APIOrigin,
		AppID:                  s.AppID,
		Env:                    optional(s.Env),
		EventAPIOrigin:         s.EventAPIOrigin,
		EventKeyHash:           optional(s.EventKeyHash),
		Framework:              s.Framework,
		SDKLanguage:            inngestgo.SDKLanguage,
		SDKVersion:             inngestgo.SDKVersion,
		ServeOrigin:            optional(s.ServeOrigin),
		ServePath:              optional(s.ServePath),
		SigningKeyHash:         optional(s.SigningKeyHash),
		SigningKeyFallbackHash: optional(s.FallbackKeyHash),
	}
	return i
}
