package inngesttest

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	sdkerrors "github.com/inngest/inngestgo/errors"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
)

type receipt struct {
	ID     string `json:"id"`
	Number int64  `json:"number"`
	hidden string
}

var (
	shipped   = inngestkit.DefineEvent[receipt]("order/shipped")
	chargeFn  = inngestkit.Ref[receipt, receipt]{AppID: "shop", FunctionID: "charge"}
	exampleTo = step.FetchRequest{URL: "https://example.com/"}
)

// ending is what a step returned, in a form that can be compared.
type ending struct {
	value               any
	text                string
	timeout, sdkTimeout bool
	noRetry             bool
	failed              *step.Error
}

func endingOf(value any, err error) ending {
	e := ending{value: value}
	if err == nil {
		return e
	}
	e.text = err.Error()
	e.timeout, e.sdkTimeout = errors.Is(err, step.ErrTimeout), errors.Is(err, sdkstep.ErrSignalNotReceived)
	e.noRetry = sdkerrors.IsNoRetryError(err)
	if failed, ok := errors.AsType[step.Error](err); ok {
		e.failed = &failed
	}
	return e
}

func waitShipped(ctx context.Context) (any, error) {
	return step.WaitForEvent(ctx, "s", shipped, step.Timeout(time.Hour))
}

func waitSignal(ctx context.Context) (any, error) {
	return step.WaitForSignal[receipt](ctx, "s", "signal", step.Timeout(time.Hour))
}

func invokeCharge(ctx context.Context) (any, error) {
	return step.Invoke(ctx, "s", chargeFn, receipt{ID: "o1"})
}

func fetch(ctx context.Context) (any, error) { return step.Fetch(ctx, "s", exampleTo) }

func infer(ctx context.Context) (any, error) {
	return step.Infer[receipt](ctx, "s", step.InferRequest{URL: "https://example.com/", Body: 1})
}

func runReceipt(r receipt, err error) func(ctx context.Context) (any, error) {
	return func(ctx context.Context) (any, error) {
		return step.Run(ctx, "s", func(context.Context) (receipt, error) { return r, err })
	}
}

// A step in a StepContext ends like the same step of a function that an app serves, with what
// the server stores as its result.
func TestStepsEndAsInProduction(t *testing.T) {
	t.Parallel()
	big := receipt{ID: "r1", Number: 1<<53 + 1, hidden: "lost"}
	for name, c := range map[string]struct {
		step   func(ctx context.Context) (any, error)
		answer *Stub
		stored string
	}{
		"an event": {
			waitShipped, Step("s").Receives(inngestkit.Event[receipt]{ID: new("e1"), Name: "order/shipped", Data: big, Timestamp: 5}),
			`{"id":"e1","name":"order/shipped","data":{"id":"r1","number":9007199254740992},"ts":5}`,
		},
		"no event": {waitShipped, Step("s").TimesOut(), `null`},
		"a signal": {
			waitSignal, Step("s").Returns(big), `{"data":{"data":{"id":"r1","number":9007199254740992},"signal":"signal"}}`,
		},
		"no signal": {waitSignal, Step("s").TimesOut(), `null`},
		"an output": {invokeCharge, Step("s").Returns(big), `{"data":{"id":"r1","number":9007199254740992}}`},
		"a failed function": {
			invokeCharge, Step("s").Fails(errors.New("no money")),
			`{"error":{"error":"no money","name":"Error","message":"no money"}}`,
		},
		"a function that failed with the error of a step": {
			invokeCharge, Step("s").Fails(step.Error{Name: "Step failed", Message: "no money"}),
			`{"error":{"error":"no money","name":"Step failed","message":"no money"}}`,
		},
		"a function that takes too long": {
			invokeCharge, Step("s").TimesOut(),
			`{"error":{"error":"InngestInvokeTimeoutError: Timed out waiting for invoked function to complete",` +
				`"name":"InngestInvokeTimeoutError","message":"Timed out waiting for invoked function to complete"}}`,
		},
		"a response": {
			fetch, Step("s").Responds(404, "gone"),
			`{"data":{"body":"gone","headers":{"Content-Type":"text/plain; charset=utf-8"},"status_code":404,"url":"https://example.com/"}}`,
		},
		"no response": {
			fetch, Step("s").Fails(errors.New("refused")),
			`{"error":{"name":"GatewayError","message":"Error making gateway request: refused"}}`,
		},
		"a model's response": {infer, Step("s").Responds(200, big), `{"data":{"id":"r1","number":9007199254740993}}`},
		"a model that fails": {
			infer, Step("s").Responds(500, map[string]string{"error": "busy"}),
			`{"error":{"name":"AIGatewayError","message":"Error making AI request: unsuccessful status code: 500",` +
				`"data":{"error":"busy"},"stack":{"error":"busy"}}}`,
		},
		"a result":           {runReceipt(big, nil), nil, `{"data":{"id":"r1","number":9007199254740992}}`},
		"an answered result": {runReceipt(receipt{}, nil), Step("s").Returns(big), `{"data":{"id":"r1","number":9007199254740992}}`},
		"a failed step": {
			runReceipt(receipt{}, errors.New("no money")), nil,
			`{"error":{"name":"Step failed","message":"no money","data":null}}`,
		},
		"a step that is answered with an error": {
			runReceipt(receipt{}, nil), Step("s").Fails(errors.New("no money")),
			`{"error":{"name":"Step failed","message":"no money","data":null}}`,
		},
		"a value and an error": {
			runReceipt(receipt{ID: "r1"}, errors.New("no money")), nil,
			`{"error":{"name":"Step failed","message":"no money","data":{"id":"r1","number":0}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var answers []*Stub
			if c.answer != nil {
				answers = append(answers, c.answer)
			}
			got := endingOf(c.step(StepContext(t, answers...)))
			require.Equal(t, inProduction(t, c.step, c.stored), got)
		})
	}
}

// inProduction returns how the step "s" ends in a function that an app serves.
func inProduction(t *testing.T, run func(ctx context.Context) (any, error), stored string) (e ending) {
	t.Helper()
	app, err := inngestkit.New(inngestkit.Config{AppID: "test", Dev: true, Logger: testLogger(t)})
	require.NoError(t, err)
	defer func() { require.NoError(t, app.Shutdown(t.Context())) }()
	require.NoError(t, app.Register(inngestkit.OnEvent("f", shipped,
		func(ctx context.Context, _ inngestkit.Input[receipt]) (any, error) {
			e = endingOf(run(ctx))
			return nil, nil
		})))
	key := sha1.Sum([]byte("s"))
	body := fmt.Sprintf(`{"ctx":{"run_id":"r","attempt":0,"fn_id":"6a1e4d3b-4d2c-4f0e-9a55-0c6a2c5d1f10",`+
		`"stack":{"stack":[],"current":0}},"event":{"name":"e","data":{}},"events":[{"name":"e","data":{}}],"steps":{"%x":%s}}`,
		key, stored)
	resp := app.Do(t.Context(), &adapter.Request{
		Method: http.MethodPost, Scheme: "http", Host: "localhost", Path: "/api/inngest", RawQuery: "fnId=test-f&stepId=step",
		Header: http.Header{}, Body: strings.NewReader(body), ContentLength: int64(len(body)),
	})
	require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
	return e
}
