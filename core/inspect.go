package inngestkit

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// inspection is the answer to a GET, schema version 2024-05-24 of
// docs/SDK_SPEC.md, 4.5.
type inspection struct {
	*privateInspection

	SchemaVersion           string       `json:"schema_version"`
	AuthenticationSucceeded *bool        `json:"authentication_succeeded"`
	Capabilities            capabilities `json:"capabilities"`
	FunctionCount           int          `json:"function_count"`
	HasEventKey             bool         `json:"has_event_key"`
	HasSigningKey           bool         `json:"has_signing_key"`
	HasSigningKeyFallback   bool         `json:"has_signing_key_fallback"`
	Mode                    string       `json:"mode"`
}

// privateInspection is only for callers that know the signing key. It holds
// hashes of keys, not keys.
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

type capabilities struct {
	Connect    string `json:"connect"`
	InBandSync string `json:"in_band_sync"`
	TrustProbe string `json:"trust_probe"`
}

var ourCapabilities = capabilities{Connect: "v1", InBandSync: "v1", TrustProbe: "v1"}

// doInspect says how the app is configured: more to those who sign, and to
// nobody a secret.
func (a *App) doInspect(req *Request) *Response {
	authenticated := false
	var succeeded *bool
	if header := req.Header.Get(headerSignature); header != "" {
		signature, err := signing.Parse(header, time.Now())
		_, key := a.verifier.Verify(signature, nil)
		authenticated = err == nil && key != nil
		succeeded = &authenticated
	}
	resp := respond(req, http.StatusOK, mustJSON(a.inspect(req.Framework, succeeded)))
	resp.Header["Cache-Control"] = []string{"no-store"} // it depends on the signature, and on what is registered
	if req.Method == http.MethodHead {
		resp.Body = nil
	}
	return resp
}

func (a *App) inspect(framework string, authenticated *bool) inspection {
	c := a.config
	i := inspection{
		SchemaVersion:           "2024-05-24",
		AuthenticationSucceeded: authenticated,
		Capabilities:            ourCapabilities,
		FunctionCount:           len(a.registry.Load().order),
		HasEventKey:             c.EventKey != "",
		HasSigningKey:           c.SigningKey != "",
		HasSigningKeyFallback:   c.SigningKeyFallback != "",
		Mode:                    c.mode(),
	}
	if authenticated == nil || !*authenticated {
		return i
	}
	i.privateInspection = &privateInspection{
		APIOrigin:              redacted(c.APIBaseURL),
		AppID:                  c.AppID,
		Env:                    optional(c.Env),
		EventAPIOrigin:         redacted(c.EventAPIBaseURL),
		EventKeyHash:           eventKeyHash(c.EventKey),
		Framework:              framework,
		SDKLanguage:            inngestgo.SDKLanguage,
		SDKVersion:             inngestgo.SDKVersion,
		ServeOrigin:            optional(c.serveOrigin()),
		ServePath:              optional(c.ServePath),
		SigningKeyHash:         optional(signing.HashedKey(string(c.SigningKey))),
		SigningKeyFallbackHash: optional(signing.HashedKey(string(c.SigningKeyFallback))),
	}
	return i
}

func (c Config) mode() string {
	if c.Dev {
		return "dev"
	}
	return "cloud"
}

func eventKeyHash(key Secret) *string {
	if key == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(key))
	return optional(hex.EncodeToString(sum[:]))
}

// optional is nil for "".
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
