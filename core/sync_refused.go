package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/hosts"
	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
	"github.com/inngestkit/inngestkit/core/internal/manifest"
)

const (
	// detailTimeout bounds the request for the reason why a server has refused a sync.
	detailTimeout = 2 * time.Second
	// maxSuspects is how many functions the error of a sync names at most.
	maxSuspects = 10
)

// refusedSync returns why the server has refused a sync, and what to do.
func (a *App) refusedSync(ctx context.Context, payload manifest.Payload, refusal *inngestapi.Error) error {
	if refusal.Cure != "" {
		return errors.New(refusal.Cure)
	}
	message := fmt.Sprintf("the server answered %d %s: %s", refusal.Status, http.StatusText(refusal.Status), refusal.Message)
	switch {
	case refusal.Unauthorized() && a.config.SigningKey == "":
		return fmt.Errorf("%s; it requires a signing key: set SigningKey (INNGEST_SIGNING_KEY)", message)
	case refusal.Unauthorized() && a.config.SigningKeyFallback != "":
		return fmt.Errorf("%s; it refused the signing key and its fallback: compare SigningKey (INNGEST_SIGNING_KEY) and "+
			"SigningKeyFallback (INNGEST_SIGNING_KEY_FALLBACK) with the server's", message)
	case refusal.Unauthorized():
		return fmt.Errorf("%s; it refused the signing key: compare SigningKey (INNGEST_SIGNING_KEY) with the server's", message)
	case refusal.Status == http.StatusBadRequest, refusal.Status == http.StatusUnprocessableEntity:
		return fmt.Errorf("%s%s", message, firstOf(a.refusedFunction(ctx, payload), a.mayBeAnExpression()))
	default:
		return errors.New(message)
	}
}

// refusedFunction returns what the server has recorded about a sync that it has refused,
// and the functions that this is probably about. It returns "" if the server does not
// report it, as Inngest Cloud does not.
func (a *App) refusedFunction(ctx context.Context, payload manifest.Payload) string {
	if isCloud(a.config.APIBaseURL) {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, detailTimeout)
	defer cancel()
	apps, err := a.api.Apps(ctx)
	if err != nil {
		return ""
	}
	for _, app := range apps {
		if app.Name != a.config.AppID || isPollError(app.Error) || !hosts.SameURL(app.URL, payload.URL) {
			continue
		}
		detail := ": " + strings.Join(strings.Fields(app.Error), " ")
		switch suspects := manifest.Suspects(payload.Functions, app.Error); {
		case len(suspects) > 0:
			for i, name := range suspects {
				suspects[i] = "function " + strconv.Quote(name)
			}
			return detail + "; it is probably about " + strings.Join(suspects, ", ")
		case strings.Contains(app.Error, "xpression"):
			return detail + "; functions with expressions: " + a.withExpressions()
		default:
			return detail
		}
	}
	return ""
}

// isPollError reports whether an error is from the server's regular requests to apps for
// their functions and not from a refused sync. The server records both in the same place;
// the former are codes such as unreachable (pkg/deploy in its source).
func isPollError(text string) bool { return !strings.Contains(text, " ") }

// mayBeAnExpression returns what to do about a refusal that the server does not explain.
func (a *App) mayBeAnExpression() string {
	const log = "; the server's log may say more"
	if with := a.withExpressions(); with != "" {
		return log + ". If the cause is an expression, it is in one of these functions: " + with
	}
	return log
}

// withExpressions returns the IDs of the functions with expressions.
func (a *App) withExpressions() string {
	var ids []string
	for _, e := range a.Expressions() {
		if !slices.Contains(ids, e.FunctionID) {
			ids = append(ids, e.FunctionID)
		}
	}
	more := ""
	if len(ids) > maxSuspects {
		more = fmt.Sprintf(" and %d more", len(ids)-maxSuspects)
		ids = ids[:maxSuspects]
	}
	return strings.Join(ids, ", ") + more
}
