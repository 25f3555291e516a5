package inngestkit

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/internal/manifest"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

// doInspect responds to a GET with how the app is configured. Signed requests get more
// than others; nobody gets a secret.
func (a *App) doInspect(req *adapter.Request) *adapter.Response {
	authenticated := false
	var succeeded *bool
	if header := req.Header.Get(headerSignature); header != "" {
		if signature, err := signing.Parse(header, time.Now()); err == nil {
			_, key := a.verifier.Verify(signature, nil)
			authenticated = key != nil
		}
		succeeded = &authenticated
	}
	resp := respond(req, http.StatusOK, mustJSON(a.settings(req.Framework).Inspect(succeeded)))
	resp.Header["Cache-Control"] = []string{"no-store"} // it depends on the signature, and on what is registered
	if req.Method == http.MethodHead {
		resp.Body = nil
	}
	return resp
}

// settings returns what introspection reports about the app.
func (a *App) settings(framework string) manifest.Settings {
	c := a.config
	return manifest.Settings{
		AppID:           c.AppID,
		Env:             c.Env,
		Framework:       framework,
		Dev:             c.Dev,
		APIOrigin:       redacted(c.APIBaseURL),
		EventAPIOrigin:  redacted(c.EventAPIBaseURL),
		ServeOrigin:     c.serveOrigin(),
		ServePath:       c.ServePath,
		SigningKeyHash:  signing.HashedKey(string(c.SigningKey)),
		FallbackKeyHash: signing.HashedKey(string(c.SigningKeyFallback)),
		EventKeyHash:    eventKeyHash(c.EventKey),
		Functions:       len(a.registry.Load().order),
	}
}

// eventKeyHash returns the hash of an event key, "" without a key.
func eventKeyHash(key Secret) string {
	if key == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
