package inngestkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
)

// detailTimeout bounds the question why a server has refused a sync.
const detailTimeout = 2 * time.Second

// refusedSync returns why the server refused a sync, and what to do.
func (a *App) refusedSync(ctx context.Context, payload registerPayload, refusal *inngestapi.Error) error {
	if refusal.Cure != "" {
		return errors.New(refusal.Cure)
	}
	said := fmt.Sprintf("the server answered %d %s: %s", refusal.Status, http.StatusText(refusal.Status), refusal.Message)
	switch {
	case refusal.Unauthorized() && a.config.SigningKey == "":
		return fmt.Errorf("%s; it wants a signing key: set SigningKey (INNGEST_SIGNING_KEY)", said)
	case refusal.Unauthorized() && a.config.SigningKeyFallback != "":
		return fmt.Errorf("%s; it refused the signing key and its fallback: compare SigningKey (INNGEST_SIGNING_KEY) and "+
			"SigningKeyFallback (INNGEST_SIGNING_KEY_FALLBACK) with the server's", said)
	case refusal.Unauthorized():
		return fmt.Errorf("%s; it refused the signing key: compare SigningKey (INNGEST_SIGNING_KEY) with the server's", said)
	case refusal.Status == http.StatusBadRequest, refusal.Status == http.StatusUnprocessableEntity:
		return fmt.Errorf("%s%s", said, firstOf(a.refusedFunction(ctx, payload), a.mayBeAnExpression()))
	default:
		return errors.New(said)
	}
}

// refusedFunction tells what a server that is not Inngest Cloud notes down about a sync
// that it has refused, and the functions that this is likely to be about. It is "" if
// the server does not tell.
func (a *App) refusedFunction(ctx context.Context, payload registerPayload) string {
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
		if app.Name != a.config.AppID || isPollError(app.Error) || !sameURL(app.URL, payload.URL) {
			continue
		}
		detail := ": " + strings.Join(strings.Fields(app.Error), " ")
		switch suspects := suspected(payload.Functions, app.Error); {
		case len(suspects) > 0:
			return detail + "; it is probably about " + strings.Join(suspects, ", ")
		case strings.Contains(app.Error, "xpression"):
			return detail + "; functions with expressions: " + a.withExpressions()
		default:
			return detail
		}
	}
	return ""
}

// isPollError reports whether an error is what the server notes down when it asks an app
// for its functions, which it does all the time: a code such as unreachable (pkg/deploy in
// its source), in the place of why it has refused a sync.
func isPollError(text string) bool { return !strings.Contains(text, " ") }

// suspected finds the functions with most of the values that an error of the server
// quotes, such as an expression or a period: the server does not name the function.
func suspected(functions []functionConfig, detail string) []string {
	suspects := make([]string, 0, len(functions))
	most := 1
	for _, f := range functions {
		name, quoted := "function "+strconv.Quote(f.Name), 0
		f.Steps = nil // URLs, which errors of the server do not quote
		var config any
		_ = json.Unmarshal(mustJSON(f), &config)
		for _, value := range texts(config) {
			if strings.Contains(detail, value) {
				quoted++
			}
		}
		switch {
		case quoted > most:
			most, suspects = quoted, append(suspects[:0], name)
		case quoted == most:
			suspects = append(suspects, name)
		}
	}
	if len(functions) > 1 && len(suspects) == len(functions) {
		return nil
	}
	return suspects
}

// texts lists the texts in a JSON value, those long enough to be told from others.
func texts(value any) []string {
	var all []string
	switch v := value.(type) {
	case string:
		if len(v) > 1 {
			all = append(all, v)
		}
	case []any:
		for _, element := range v {
			all = append(all, texts(element)...)
		}
	case map[string]any:
		for _, element := range v {
			all = append(all, texts(element)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// maxSuspects is how many functions the error of a sync names.
const maxSuspects = 10

// mayBeAnExpression is what to do about a refusal that the server does not explain.
func (a *App) mayBeAnExpression() string {
	const log = "; the server's log may say more"
	if with := a.withExpressions(); with != "" {
		return log + ". If the cause is an expression, it is in one of these functions: " + with
	}
	return log
}

// withExpressions names the functions with expressions.
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
