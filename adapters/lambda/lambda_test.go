package inngestlambda_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"go.uber.org/goleak"

	inngestlambda "github.com/inngestkit/inngestkit/adapters/lambda"
	"github.com/inngestkit/inngestkit/adapters/lambda/lambdatest"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adaptertest"
)

func TestMain(m *testing.M) {
	startInChild()
	goleak.VerifyTestMain(m)
}

// kinds are the services and what each does to requests and responses.
var kinds = map[string]struct {
	kind                        lambdatest.Kind
	rewritesQuery, joinsHeaders bool
	maxBytes                    int
}{
	"HTTP API":     {kind: lambdatest.HTTPAPI, joinsHeaders: true, maxBytes: 4 << 20},
	"HTTP API 1.0": {kind: lambdatest.HTTPAPIv1, rewritesQuery: true, maxBytes: 4 << 20},
	"REST API":     {kind: lambdatest.RESTAPI, rewritesQuery: true, maxBytes: 4 << 20},
	"function URL": {kind: lambdatest.FunctionURL, joinsHeaders: true, maxBytes: 4 << 20},
	"ALB":          {kind: lambdatest.ALB, rewritesQuery: true, maxBytes: 1<<20 - 1<<10}, // less the headers
}

// The suite runs on each service, through the events that it sends.
func TestAdapter(t *testing.T) {
	for name, service := range kinds {
		t.Run(name, func(t *testing.T) {
			adaptertest.Run(t, adaptertest.Adapter{
				Framework: "aws-lambda", New: newServer(service.kind), StatusOf: inngestkit.SendStatus,
				KeepsValues: true, AnyMethod: true, KnowsGroups: true, TrailingSlash: adaptertest.SlashServed,
				RewritesQuery: service.rewritesQuery, JoinsHeaders: service.joinsHeaders, SetsForwardedProto: true,
				MaxBytes: service.maxBytes,
			})
		})
	}
}

func newServer(kind lambdatest.Kind) func(testing.TB, adaptertest.Site) adaptertest.Server {
	return func(_ testing.TB, site adaptertest.Site) adaptertest.Server {
		router := &inngestlambda.Router{HTTP: otherRoutes(site)}
		for _, app := range append([]*inngestkit.App{site.App}, site.Others...) {
			inngestlambda.MountBelow(router, strings.Join(site.Groups, ""), app)
		}
		inngestlambda.HandleAt(router, adaptertest.HandPath, site.App)
		gateway := &lambdatest.Gateway{Kind: kind, Handler: router}
		return &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := context.WithValue(r.Context(), adaptertest.ContextKey{}, r.Header.Get(adaptertest.TenantHeader))
			ctx = context.WithValue(ctx, adaptertest.TenantKey, r.Header.Get(adaptertest.TenantHeader)) //nolint:staticcheck // the suite's key
			ctx = context.WithValue(ctx, adaptertest.PageKey, r.URL.Query().Get(adaptertest.PageQuery)) //nolint:staticcheck // the suite's key
			gateway.ServeHTTP(w, r.WithContext(ctx))
		})}
	}
}

// otherRoutes returns a handler for the other paths of a site, such as a program that
// decodes events itself would have.
func otherRoutes(site adaptertest.Site) lambda.Handler {
	return lambda.NewHandler(func(ctx context.Context, event json.RawMessage) (any, error) {
		var request struct {
			Path    string `json:"path"`
			RawPath string `json:"rawPath"`
		}
		if err := json.Unmarshal(event, &request); err != nil {
			return nil, err
		}
		status, body := http.StatusNotFound, ""
		switch path := request.Path + request.RawPath; path {
		case adaptertest.FromPath:
			status, body = http.StatusOK, inngestkit.FromContext(inngestkit.NewContext(ctx, site.App)).ID()
		case adaptertest.SendPath, adaptertest.BareSendPath:
			if path == adaptertest.SendPath {
				ctx = inngestkit.NewContext(ctx, site.App)
			}
			ids, err := inngestkit.Send(ctx, site.Event)
			if err != nil {
				site.Failed(err)
				status = inngestkit.SendStatus(err)
				body = http.StatusText(status)
			} else {
				status, body = http.StatusOK, fmt.Sprintf("[%q]", ids[0])
			}
		}
		return events.APIGatewayProxyResponse{StatusCode: status, Body: body}, nil
	})
}
