package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/examples/secrets/internal/fakevault"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

const (
	vaultToken = "vault-token"
	secretName = "invoices"
)

// A rotation demonstrates how the signing key of an app and of a self-hosted server is
// changed without failing a run.
type rotation struct {
	out      *output
	vault    *fakevault.Vault
	vaultURL string
	eventKey string
	port     string // of the app: a server up to v1.14.1 takes another URL for another app

	server     *devserver.Server
	serverKey  string
	serverPort int
	state      string // the server's database
	appKeys    [2]string
	stopApp    func() error
}

// demonstrate rotates the key step by step, and lets a run complete after each.
func demonstrate(ctx context.Context, out io.Writer) (err error) {
	r := &rotation{out: &output{to: out}, vault: fakevault.New(vaultToken), eventKey: newKey()}
	if r.state, err = os.MkdirTemp("", "secrets-example-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.state)) }()
	stopVault, err := r.startVault(ctx)
	if err != nil {
		return err
	}
	defer stopVault()
	defer func() { err = errors.Join(err, r.stop()) }()
	return r.rotate(ctx, newKey(), newKey())
}

// rotate is the order of docs/deployment.md.
func (r *rotation) rotate(ctx context.Context, oldKey, newKey string) error {
	const (
		row   = "%-30s %-8s %-8s %-8s "
		older = "old"
		newer = "new"
	)
	r.out.printf(row+"\n", "", "app", "fallback", "server")
	for _, stage := range []struct {
		title                 string
		app, fallback, server string // as the table shows them
		appKey, fallbackKey   string
		serverKey             string
	}{
		{"before", older, "-", older, oldKey, "", oldKey},
		{"1. deploy the app", newer, older, older, newKey, oldKey, oldKey},
		{"2. change the server's key", newer, older, newer, newKey, oldKey, newKey},
		{"3. deploy the app", newer, "-", newer, newKey, "", newKey},
	} {
		err := errors.Join(r.useServerKey(ctx, stage.serverKey), r.useAppKeys(ctx, stage.appKey, stage.fallbackKey))
		var run devserver.Run
		if err == nil {
			run, err = r.completeOrder(ctx)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", stage.title, err)
		}
		r.out.printf(row+"the run is %s: %s\n", stage.title, stage.app, stage.fallback, stage.server, run.Status, run.Output)
	}
	status, err := r.post(ctx, "/api/inngest?fnId=invoices-send-invoice&stepId=step", `{"event":{}}`, nil)
	if err != nil {
		return err
	}
	r.out.printf(row+"the app responds with %d\n", "a stranger calls the function", "", "", "", status)
	return nil
}

// useServerKey starts a self-hosted server, or restarts it if its key changes.
func (r *rotation) useServerKey(ctx context.Context, key string) (err error) {
	if r.serverKey == key {
		return nil
	}
	if r.server != nil {
		if err := r.server.Kill(); err != nil { // a stop of v1.12.1 would take 30 s
			return err
		}
	}
	r.serverKey = key
	r.server, err = devserver.Start(ctx, devserver.Config{
		SigningKey: key, EventKey: r.eventKey, StateDir: r.state, Port: r.serverPort,
		RetryInterval: time.Second, Progress: r.out,
	})
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(strings.TrimPrefix(r.server.URL(), "http://"))
	if err != nil {
		return err
	}
	_, err = fmt.Sscan(port, &r.serverPort)
	// A server that starts loses events until then.
	for err == nil && !strings.Contains(r.server.Logs(), "subscribing to events") {
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return err
}

// useAppKeys replaces the app if its keys change. The new one reads them from the vault.
func (r *rotation) useAppKeys(ctx context.Context, key, fallback string) error {
	if r.appKeys == [2]string{key, fallback} {
		return nil
	}
	r.appKeys = [2]string{key, fallback}
	r.vault.Put(secretName, map[string]string{
		"INNGEST_SIGNING_KEY": key, "INNGEST_SIGNING_KEY_FALLBACK": fallback,
		"INNGEST_EVENT_KEY": r.eventKey, "MAIL_PASSWORD": rand.Text(),
	})
	if r.stopApp != nil {
		if err := r.stopApp(); err != nil {
			return err
		}
	}
	vault, err := OpenVault(ctx, VaultConfig{URL: r.vaultURL, Token: vaultToken, Path: "secret/data/" + secretName})
	if err != nil {
		return err
	}
	return r.startApp(ctx, vault)
}

// startApp starts the app, and returns when it is announced.
func (r *rotation) startApp(ctx context.Context, source Source) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", r.port))
	if err != nil {
		return err
	}
	_, r.port, _ = net.SplitHostPort(listener.Addr().String())
	// What is not secret comes from the environment elsewhere. Here it differs in each run.
	plain := map[string]string{"INNGEST_BASE_URL": r.server.URL(), "INNGEST_SERVE_HOST": "http://" + listener.Addr().String()}
	cfg, err := LoadConfig(ctx, inngestkit.FirstFound(source.Lookup, lookupMap(plain)))
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	cfg.Inngest.Logger = slog.New(slog.NewTextHandler(r.out, nil))
	service, err := NewService(cfg)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	appCtx, cancel := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() {
		defer cancel()
		served <- service.Serve(appCtx, listener)
	}()
	r.stopApp = func() error {
		cancel()
		r.stopApp = nil
		return <-served
	}
	if err := service.App.AwaitSync(appCtx); err != nil { // it has ended instead
		return errors.Join(err, r.stopApp())
	}
	return nil
}

// completeOrder sends an event through the app, and returns the run that it starts.
func (r *rotation) completeOrder(ctx context.Context) (devserver.Run, error) {
	var sent struct {
		EventID string `json:"eventId"`
	}
	status, err := r.post(ctx, "/orders", `{"orderId":"o1","email":"ada@example.com","cents":4900}`, &sent)
	if err != nil {
		return devserver.Run{}, err
	}
	if status != http.StatusAccepted {
		return devserver.Run{}, fmt.Errorf("POST /orders: status %d", status)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	runs, err := r.server.AwaitRuns(ctx, sent.EventID, 1)
	if err != nil {
		return devserver.Run{}, err
	}
	if runs[0].Status != devserver.RunCompleted {
		return runs[0], fmt.Errorf("the run is %s: %s", runs[0].Status, runs[0].Output)
	}
	return runs[0], nil
}
