// Secrets takes its configuration from a secrets manager: HashiCorp Vault, or a directory
// of files. Run it from the root of the repository:
//
//	go run ./examples/secrets          shows a key rotation, with a vault and an Inngest server of its own
//	go run ./examples/secrets serve    serves, with the secrets of VAULT_ADDR or SECRETS_DIR
//
// source.go and vault.go have the secrets managers, config.go the configuration, service.go
// the wiring, invoices.go the functions. rotation.go, which a real application does not
// need, is the demonstration.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 0:
		err = demonstrate(ctx, os.Stdout)
	case len(args) == 1 && args[0] == "serve":
		err = serve(ctx)
	default:
		err = fmt.Errorf("unknown arguments %q; want none, or serve", args)
	}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		os.Exit(130) // what shells report for a program ended by Ctrl-C
	default:
		fmt.Fprintln(os.Stderr, "failed:", err)
		os.Exit(1)
	}
}

// serve serves on PORT, 3000 by default, until ctx is done.
func serve(ctx context.Context) error {
	source, err := openSource(ctx)
	if err != nil {
		return err
	}
	cfg, err := LoadConfig(ctx, lookupIn(source))
	if err != nil {
		return err
	}
	service, err := NewService(cfg)
	if err != nil {
		return err
	}
	address := fmt.Sprintf(":%d", cmp.Or(cfg.Inngest.ServePort, 3000))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return service.Serve(ctx, listener)
}

// openSource opens the secrets manager that the environment names.
func openSource(ctx context.Context) (Source, error) {
	if dir := os.Getenv("SECRETS_DIR"); dir != "" {
		return OpenFiles(dir)
	}
	if url := os.Getenv("VAULT_ADDR"); url != "" {
		return OpenVault(ctx, VaultConfig{
			URL: url, Token: inngestkit.Secret(os.Getenv("VAULT_TOKEN")), Path: os.Getenv("VAULT_PATH"),
		})
	}
	return nil, errors.New("set VAULT_ADDR, VAULT_TOKEN and VAULT_PATH, or SECRETS_DIR")
}
