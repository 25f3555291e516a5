package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// vaultPatience is how long the program waits at startup for a vault that does not respond.
const vaultPatience = 30 * time.Second

// VaultConfig names a secret in HashiCorp Vault or OpenBao, with the key-value engine,
// version 2.
type VaultConfig struct {
	URL   string            // VAULT_ADDR
	Token inngestkit.Secret // VAULT_TOKEN
	// Path is the path of the secret, such as secret/data/invoices. Each of its keys is the
	// name of a variable.
	Path string
}

// Vault has the keys of one version of a secret.
type Vault struct {
	values  map[string]string
	Version int
}

var _ Source = (*Vault)(nil)

// OpenVault reads the secret, once. The program does not depend on the vault later, and
// learns of new values with its next start. While the vault does not respond, OpenVault
// retries for half a minute.
func OpenVault(ctx context.Context, cfg VaultConfig) (*Vault, error) {
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	return backoff.Retry(ctx, func() (*Vault, error) { return readVault(ctx, client, cfg) },
		backoff.WithMaxElapsedTime(vaultPatience))
}

// Lookup implements [Source].
func (v *Vault) Lookup(_ context.Context, variable string) (value string, found bool, err error) {
	value, found = v.values[variable]
	return value, found, nil
}

func readVault(ctx context.Context, client *http.Client, cfg VaultConfig) (*Vault, error) {
	url := strings.TrimSuffix(cfg.URL, "/") + "/v1/" + cfg.Path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, backoff.Permanent(err)
	}
	req.Header.Set("X-Vault-Token", string(cfg.Token))
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // nothing more is read
	switch {
	case resp.StatusCode >= http.StatusInternalServerError: // also 503, while it is sealed
		return nil, fmt.Errorf("vault: GET %s: %s", cfg.Path, resp.Status)
	case resp.StatusCode != http.StatusOK:
		return nil, backoff.Permanent(fmt.Errorf("vault: GET %s: %s", cfg.Path, resp.Status))
	}
	var body struct {
		Data struct {
			Data     map[string]string `json:"data"`
			Metadata struct {
				Version int `json:"version"`
			} `json:"metadata"`
		} `json:"data"`
	}
	if json.NewDecoder(resp.Body).Decode(&body) != nil {
		// Its own error could contain a part of the secret.
		return nil, backoff.Permanent(errors.New("vault: the secret is not an object whose values are text"))
	}
	return &Vault{values: body.Data.Data, Version: body.Data.Metadata.Version}, nil
}
