package secrets

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// signature returns the header with which the server signs a body.
func signature(key, body string) string {
	now := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(strings.TrimPrefix(key, "signkey-prod-")))
	mac.Write([]byte(body + now))
	return "t=" + now + "&s=" + hex.EncodeToString(mac.Sum(nil))
}

// do makes a signed request to an app.
func do(ctx context.Context, app *inngestkit.App, method, query, body string, headers ...string) *adapter.Response {
	return unsigned(ctx, app, method, query, body, append(headers, "X-Inngest-Signature", signature(signingKey, body))...)
}

// unsigned makes a request to an app.
func unsigned(ctx context.Context, app *inngestkit.App, method, query, body string, headers ...string) *adapter.Response {
	header := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	return app.Do(ctx, &adapter.Request{
		Method: method, Scheme: "https", Host: "shop.test", Path: "/api/inngest", RawQuery: query, Header: header,
		Body: strings.NewReader(body), ContentLength: int64(len(body)), Framework: "test",
	})
}
