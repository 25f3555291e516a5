// Package fakevault simulates the part of HashiCorp Vault that the example uses: a secret of
// the key-value engine, version 2.
package fakevault

import (
	"encoding/json"
	"maps"
	"net/http"
	"sync"
)

// A Vault is an [http.Handler] for GET /v1/secret/data/{name}.
type Vault struct {
	token string

	mu      sync.Mutex
	secrets map[string]map[string]string
	version map[string]int
}

// New returns an empty vault. Requests need the token.
func New(token string) *Vault {
	return &Vault{token: token, secrets: map[string]map[string]string{}, version: map[string]int{}}
}

// Put stores a new version of a secret.
func (v *Vault) Put(name string, values map[string]string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.secrets[name] = maps.Clone(values)
	v.version[name]++
}

// ServeHTTP implements [http.Handler].
func (v *Vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/secret/data/{name}", v.read)
	mux.ServeHTTP(w, r)
}

func (v *Vault) read(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Vault-Token") != v.token {
		http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden)
		return
	}
	v.mu.Lock()
	values, version := v.secrets[r.PathValue("name")], v.version[r.PathValue("name")]
	v.mu.Unlock()
	if values == nil {
		http.Error(w, `{"errors":[]}`, http.StatusNotFound)
		return
	}
	body, err := json.Marshal(map[string]any{
		"data": map[string]any{"data": values, "metadata": map[string]int{"version": version}},
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the client may have gone
}
