package health

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// What must not be in any response. Each consists of letters and digits, which look the same
// in JSON, HTML and queries.
const (
	signingKey     = "5ec2e70123456789abcdef0123456789"
	fallbackKey    = "5ec2e7fa11bac40123456789abcdef01"
	eventKey       = "secretEventKey0123456789"
	urlPassword    = "secretOfBaseURL"
	envVariable    = "secretOfEnvironment"
	eventData      = "secretOfEventData"
	output         = "secretOfOutput"
	functionError  = "secretOfFunctionError"
	stepError      = "secretOfStepError"
	functionPanic  = "secretOfFunctionPanic"
	checkError     = "secretOfDSN"
	checkPanic     = "secretOfCheckPanic"
	lateError      = "secretOfLateCheck"
	authPanic      = "secretOfAuthorization"
	basicPassword  = "secretOfOperator"
	requestHeader  = "secretOfHeader"
	requestQuery   = "secretOfQuery"
	requestDetails = "secretOfDetailsQuery"
)

// secrets returns all of them, and the forms in which keys and passwords are sent.
func secrets() []string {
	hashed := func(key string) string {
		raw, _ := hex.DecodeString(key)
		sum := sha256.Sum256(raw)
		return hex.EncodeToString(sum[:])
	}
	return []string{
		signingKey, fallbackKey, hashed(signingKey), hashed(fallbackKey), eventKey, urlPassword, envVariable,
		eventData, output, functionError, stepError, functionPanic, checkError, checkPanic, lateError, authPanic,
		basicPassword, basic(basicPassword), requestHeader, requestQuery, requestDetails,
	}
}

func basic(password string) string {
	return base64.StdEncoding.EncodeToString([]byte("ops:" + password))
}

// careless returns functions that have secrets in their errors, panics and outputs.
func careless() []inngestkit.Function {
	return []inngestkit.Function{
		onPlaced("returns", func(_ context.Context, in input) (any, error) {
			if in.Event.Data.ID != eventData {
				return nil, errors.New("it has other data")
			}
			return output, nil
		}),
		onPlaced("fails", func(context.Context, input) (any, error) { return nil, errors.New(functionError) }, flow.Retries(0)),
		onPlaced("panics", func(context.Context, input) (any, error) { panic(functionPanic) }, flow.Retries(0)),
		onPlaced("fails-in-step", func(ctx context.Context, _ input) (any, error) {
			return step.Run(ctx, "pay", func(context.Context) (any, error) { return nil, errors.New(stepError) })
		}, flow.Retries(0)),
	}
}

// carelessChecks returns checks that have them, too.
func carelessChecks() []inngesthealth.Check {
	return []inngesthealth.Check{
		{Name: "database", Run: func(context.Context) error {
			return fmt.Errorf("dial postgres://shop:%s@db.internal/shop: connection refused", checkError)
		}},
		{Name: "cache", Run: func(context.Context) error { panic(checkPanic) }},
		{Name: "queue", Timeout: time.Millisecond, Run: func(ctx context.Context) error {
			<-ctx.Done()
			return errors.New(lateError)
		}},
	}
}

// No response contains a key, a password, data of events or functions, the text of an error or
// anything of the request: neither for clients that may see details nor for others.
func TestNoSecrets(t *testing.T) {
	t.Setenv("INNGESTKIT_TEST_TOKEN", envVariable) // so the test is not parallel
	server := devserver.New(t, devserver.Config{
		SigningKey: signingKey, EventKey: eventKey, RetryInterval: time.Second,
	})
	s := setup{
		config: inngestkit.Config{
			SigningKey: signingKey, SigningKeyFallback: fallbackKey, EventKey: eventKey,
			BaseURL: strings.Replace(server.URL(), "http://", "http://inngest:"+urlPassword+"@", 1),
		},
		options: []inngesthealth.Option{
			inngesthealth.WithInterval(checkEvery), inngesthealth.WithServerCheck(), inngesthealth.WithSyncRequired(),
			inngesthealth.WithChecks(carelessChecks()...),
			inngesthealth.WithFailureThreshold(0.5, 1, time.Hour),
			inngesthealth.WithAuthorization(func(_ context.Context, req *adapter.Request) bool {
				if req.Header.Get("Authorization") == "panic" {
					panic(authPanic)
				}
				_, password, _ := (&http.Request{Header: req.Header}).BasicAuth()
				return password == basicPassword
			}),
		},
		functions: careless(),
	}.serve(t)
	searchResponses(t, s, "inngest") // not synced
	require.NoError(t, s.app.Sync(testsite.Within(t)))
	runs, err := server.AwaitRuns(testsite.Within(t), testsite.Send(t, s.app, placed.New(order{ID: eventData})), 4)
	require.NoError(t, err)
	told := fmt.Sprintf("%+v", runs)
	for _, secret := range []string{output, functionError, functionPanic, stepError} {
		require.Contains(t, told, secret, "the server gets this")
	}
	testsite.Eventually(t, checkEvery, func() bool { return down(s.health.Report()) == "cache database functions queue" })
	searchResponses(t, s, "functions")
	require.NoError(t, server.Stop())
	testsite.Eventually(t, checkEvery, func() bool { return strings.Contains(down(s.health.Report()), "inngest-server") })
	searchResponses(t, s, "inngest-server")
	s.health.Drain()
	searchResponses(t, s, "shutting down")
}

// searchResponses searches all responses to all kinds of requests, which contain secrets
// themselves. A report contains want.
func searchResponses(t *testing.T, s *site, want string) {
	t.Helper()
	const token = "token=" + requestQuery
	seen := map[int]bool{}
	paths := []string{
		report, detailed + "&" + token, report + "?" + token, report + "?details=" + requestDetails, report + "?" + token + "%zz",
		liveness + "?" + token, ready + "?" + token,
	}
	for _, path := range paths {
		for _, authorization := range []string{"", "Basic " + basic(basicPassword), "Bearer " + requestHeader, "panic"} {
			for _, accept := range []string{"", "text/html", "text/" + requestHeader} {
				for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
					got := s.do(t, method, path, "Authorization", authorization, "Accept", accept, "X-Token", requestHeader,
						"Cookie", "session="+requestHeader, "User-Agent", requestHeader, "Referer", "https://"+requestHeader)
					seen[got.status] = true
					text := strings.ToLower(fmt.Sprint(got.header) + got.body)
					for _, secret := range secrets() {
						require.NotContains(t, text, strings.ToLower(secret), "%s %s, %q", method, path, authorization)
					}
					if method == http.MethodGet && path == report {
						require.Contains(t, strings.ReplaceAll(text, "_", " "), want)
					}
				}
			}
		}
	}
	require.Equal(t, []int{
		http.StatusOK, http.StatusBadRequest, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusServiceUnavailable,
	}, slices.Sorted(maps.Keys(seen)), "all kinds of responses were seen")
	withDetails := s.get(t, detailed, "Authorization", "Basic "+basic(basicPassword)).report(t).Details
	require.NotNil(t, withDetails)
	require.True(t, slices.ContainsFunc(withDetails.Functions, func(f inngesthealth.FunctionMetrics) bool { return f.ID == "fails" }))
}
