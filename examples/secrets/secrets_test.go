package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/examples/secrets/internal/fakevault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// planted is a secret that no error may show.
const planted = "planted-6c1f0a"

// sources returns each kind of source, with the same secrets.
func sources(t *testing.T, values map[string]string) map[string]Source {
	t.Helper()
	dir := t.TempDir()
	for name, value := range values {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(value+"\n"), 0o600))
	}
	files, err := OpenFiles(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, files.Close()) })

	fake := fakevault.New(vaultToken)
	fake.Put(secretName, values)
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	vault, err := OpenVault(t.Context(), VaultConfig{URL: server.URL + "/", Token: vaultToken, Path: "secret/data/invoices"})
	require.NoError(t, err)
	require.Equal(t, 1, vault.Version)
	return map[string]Source{"files": files, "vault": vault}
}

// The configuration comes from any source, and does not show its keys.
func TestLoadConfig(t *testing.T) {
	t.Parallel()
	key := newKey()
	for name, source := range sources(t, map[string]string{
		"INNGEST_SIGNING_KEY": key, "INNGEST_EVENT_KEY": "event-key", "MAIL_PASSWORD": "mail-password", "PORT": "3002",
		"INNGEST_APP_ID": "of the vault",
	}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := LoadConfig(t.Context(), source.Lookup)
			require.NoError(t, err)
			require.Equal(t, inngestkit.Secret(key), cfg.Inngest.SigningKey)
			require.Equal(t, inngestkit.Secret("mail-password"), cfg.MailPassword)
			require.Equal(t, "invoices", cfg.Inngest.AppID, "code takes precedence")
			require.Equal(t, 3002, cfg.Inngest.ServePort)
			for _, secret := range []string{key, "event-key", "mail-password"} {
				require.NotContains(t, fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg), secret)
			}
			service, err := NewService(cfg)
			require.NoError(t, err)
			require.Equal(t, []string{"send-invoice"}, service.App.FunctionIDs())
			require.NoError(t, service.App.Shutdown(t.Context()))
		})
	}
}

// All mistakes are reported together, by name and without a value.
func TestConfigMistakes(t *testing.T) {
	t.Parallel()
	for name, source := range sources(t, map[string]string{"INNGEST_SIGNING_KEY": `"` + planted + `"`, "PORT": "http"}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := LoadConfig(t.Context(), source.Lookup)
			require.ErrorContains(t, err, "INNGEST_SIGNING_KEY is in quotes")
			require.ErrorContains(t, err, "MAIL_PASSWORD: it is not set")
			require.NotContains(t, err.Error(), planted)
		})
	}
}

// A variable does not lead out of the directory.
func TestFilesStayInTheDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "secrets")
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, os.WriteFile(dir+"-outside", []byte(planted), 0o600))
	files, err := OpenFiles(dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, files.Close()) }()
	value, found, err := files.Lookup(t.Context(), "../secrets-outside")
	require.Error(t, err)
	require.False(t, found)
	require.Empty(t, value)
}

// A vault that starts later, or is sealed, is asked again.
func TestVaultIsAskedAgain(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	fake := fakevault.New(vaultToken)
	fake.Put(secretName, map[string]string{"MAIL_PASSWORD": "p"})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			http.Error(w, "sealed", http.StatusServiceUnavailable)
			return
		}
		fake.ServeHTTP(w, r)
	}))
	defer server.Close()
	vault, err := OpenVault(t.Context(), VaultConfig{URL: server.URL, Token: vaultToken, Path: "secret/data/invoices"})
	require.NoError(t, err)
	require.Equal(t, "p", vault.values["MAIL_PASSWORD"])
	require.EqualValues(t, 2, requests.Load())
}

// What will not change is not asked again. No error shows a token or a secret.
func TestVaultErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		token, path, body, want string
	}{
		"wrong token":   {token: planted, path: "secret/data/invoices", want: "403 Forbidden"},
		"wrong path":    {token: vaultToken, path: "secret/data/other", want: "404 Not Found"},
		"not an object": {token: vaultToken, path: "x", body: `{"data":{"data":"` + planted + `"}}`, want: "not an object"},
		"not text":      {token: vaultToken, path: "x", body: `{"data":{"data":{"a":{"` + planted + `":1}}}}`, want: "not an object"},
		"no JSON":       {token: vaultToken, path: "x", body: planted, want: "not an object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			fake := fakevault.New(vaultToken)
			fake.Put(secretName, map[string]string{"A": planted})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				if test.body != "" {
					_, _ = w.Write([]byte(test.body))
					return
				}
				fake.ServeHTTP(w, r)
			}))
			defer server.Close()
			_, err := OpenVault(t.Context(), VaultConfig{URL: server.URL, Token: inngestkit.Secret(test.token), Path: test.path})
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), planted)
			require.EqualValues(t, 1, requests.Load())
		})
	}
}
