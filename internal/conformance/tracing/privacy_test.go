package tracing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// planted is what must not be recorded. Each is in one place that holds data.
var planted = []string{
	"secret-event-data", "secret-sent-data", "secret-step-output", "secret-function-output", "secret-kept-result",
	"secret-header", "secret-query", "secret-event-key", "0123456789abcdef", "secret-url", "secret-user",
}

// plantedSite runs a function on an app that has something secret in all data.
func plantedSite(t *testing.T, options ...inngestotel.Option) *site {
	t.Helper()
	s := &site{metrics: sdkmetric.NewManualReader(), sent: &events{}, log: &testsite.Log{}}
	on := newTelemetry()
	s.spans, s.traces = on.spans, on.traces
	app, err := inngestkit.New(inngestkit.Config{
		AppID: "shop", Dev: true, BaseURL: "http://user:secret-url@127.0.0.1:1", EventKey: "secret-event-key",
		SigningKey: "signkey-test-0123456789abcdef0123456789abcdef", HTTPClient: &http.Client{Transport: s.sent},
	})
	require.NoError(t, err)
	s.app = app
	require.NoError(t, inngestotel.Install(app, append([]inngestotel.Option{
		inngestotel.WithTracerProvider(on.traces),
		inngestotel.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(s.metrics))),
	}, options...)...))
	require.NoError(t, app.Register(onPlaced(func(ctx context.Context, _ input) (any, error) {
		if _, err := step.Run(ctx, "kept", func(context.Context) (string, error) { return "", nil }); err != nil {
			return nil, err
		}
		if _, err := step.Run(ctx, "ship", func(ctx context.Context) (string, error) {
			event := shaped.New(anything{"x": "secret-sent-data"})
			event.User = map[string]any{"email": "secret-user"}
			_, err := inngestkit.Send(ctx, event)
			return "secret-step-output", err
		}); err != nil {
			return nil, err
		}
		return "secret-function-output", nil
	})))
	first := run{events: []string{event("ev1", `{"id":"secret-event-data"}`)}}.kept("kept", "secret-kept-result")
	for _, r := range []run{first, first.kept("ship", "x")} {
		body := r.body(t)
		resp := app.Do(t.Context(), &adapter.Request{
			Method: http.MethodPost, Scheme: "http", Host: "localhost", Path: "/api/inngest",
			RawQuery: "fnId=shop-fulfil&stepId=step&token=secret-query",
			Header:   http.Header{"Authorization": {"secret-header"}, "Cookie": {"secret-header"}},
			Body:     strings.NewReader(string(body)), ContentLength: int64(len(body)),
		})
		require.Less(t, resp.Status, 300, "%s", resp.Body)
	}
	// An error that handles the keys does not contain them either.
	s.sent.refuse(http.StatusUnauthorized, "no")
	_, err = app.Send(t.Context(), shaped.New(anything{"x": "secret-sent-data"}))
	require.Error(t, err)
	return s
}

// told returns everything that telemetry has recorded, as text.
func (s *site) told(t *testing.T) string {
	t.Helper()
	spans := s.spans.GetSpans()
	require.Len(t, spans, 5)
	var metrics metricdata.ResourceMetrics
	require.NoError(t, s.metrics.Collect(t.Context(), &metrics))
	var all strings.Builder
	for _, span := range spans {
		encoded, err := json.Marshal(span)
		require.NoError(t, err)
		fmt.Fprintf(&all, "%s\n%v\n", encoded, span)
	}
	fmt.Fprintf(&all, "%+v", metrics)
	return all.String()
}

// By default no data, no key and no header is recorded.
func TestTelemetryHasNoData(t *testing.T) {
	t.Parallel()
	told := plantedSite(t).told(t)
	require.Contains(t, told, "order.placed")
	require.Contains(t, told, "inngest.function.executions")
	for _, secret := range planted {
		require.NotContains(t, told, secret)
	}
}

// Data is recorded on request, up to its limit, and nothing else is.
func TestTelemetryHasDataOnRequest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options []inngestotel.Option
		spans   map[string]string // the values by span
	}{
		"event data": {
			options: []inngestotel.Option{inngestotel.WithEventData(100)},
			spans: map[string]string{
				"process fulfil": `inngest.event.data={"id":"secret-event-data"}`, "send any.shape": `inngest.event.data={"x":"secret-sent-data"}`,
			},
		},
		"a little of it": {
			options: []inngestotel.Option{inngestotel.WithEventData(10)},
			spans:   map[string]string{"process fulfil": `inngest.event.data={"id":"…`, "send any.shape": `inngest.event.data={"x":"s…`},
		},
		"a little of step data": {
			options: []inngestotel.Option{inngestotel.WithStepData(10)},
			spans:   map[string]string{"step ship": `inngest.step.output="secret…`},
		},
		"step data": {
			options: []inngestotel.Option{inngestotel.WithStepData(100)},
			spans:   map[string]string{"step ship": `inngest.step.output="secret-step-output"`},
		},
		"redacted": {
			options: []inngestotel.Option{
				inngestotel.WithEventData(100), inngestotel.WithStepData(100),
				inngestotel.WithRedaction(func(_ context.Context, text inngestotel.Recorded) string {
					return fmt.Sprintf("[%s of %s/%s/%s]", text.Attribute, text.FunctionID, text.StepID, text.Event)
				}),
			},
			spans: map[string]string{
				"process fulfil": `inngest.event.data=[inngest.event.data of fulfil//order.placed]`,
				"step ship":      `inngest.step.output=[inngest.step.output of fulfil/ship/]`,
				"send any.shape": `inngest.event.data=[inngest.event.data of //any.shape]`,
			},
		},
		"redacted away": {
			options: []inngestotel.Option{
				inngestotel.WithEventData(100), inngestotel.WithStepData(100),
				inngestotel.WithRedaction(func(context.Context, inngestotel.Recorded) string { return "" }),
			},
		},
		"redaction panics": {
			options: []inngestotel.Option{
				inngestotel.WithEventData(100), inngestotel.WithStepData(100),
				inngestotel.WithRedaction(func(context.Context, inngestotel.Recorded) string { panic("oh") }),
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := plantedSite(t, tc.options...)
			require.NotContains(t, s.told(t), "secret-kept-result")
			for _, span := range s.spans.GetSpans() {
				var data []string
				for _, a := range span.Attributes {
					if a.Key == inngestotel.EventDataKey || a.Key == inngestotel.StepOutputKey {
						data = append(data, string(a.Key)+"="+a.Value.AsString())
					}
				}
				require.Equal(t, tc.spans[span.Name], strings.Join(data, " "), span.Name)
			}
			if tc.spans == nil {
				for _, secret := range planted {
					require.NotContains(t, s.told(t), secret)
				}
			}
		})
	}
}

// The error of a failed request contains neither its URL nor the event key at the end of the
// URL.
func TestFailedSendsHaveNoKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // the send is retried for half a minute
		on := newTelemetry()
		s := &site{spans: on.spans, sent: &events{fail: errors.New("connection refused")}}
		app, err := inngestkit.New(inngestkit.Config{
			AppID: "shop", BaseURL: "http://user:secret-url@127.0.0.1:1", EventKey: "secret-event-key", Dev: true,
			HTTPClient: &http.Client{Transport: s.sent},
		})
		require.NoError(t, err)
		require.NoError(t, inngestotel.Install(app, inngestotel.WithTracerProvider(on.traces)))
		_, err = app.Send(t.Context(), shaped.New(anything{"x": "secret-sent-data"}))
		require.Error(t, err)
		span := s.named(t, "send any.shape")
		require.Contains(t, span.Status.Description, "connection refused")
		for _, secret := range planted {
			require.NotContains(t, fmt.Sprintf("%+v", span), secret)
		}
	})
}

// The redaction applies to messages of errors, too.
func TestMessagesAreRedacted(t *testing.T) {
	t.Parallel()
	redact := inngestotel.WithRedaction(func(_ context.Context, text inngestotel.Recorded) string {
		return strings.ReplaceAll(text.Text, "4242", "****")
	})
	s := newSite(t, []inngestotel.Option{redact}, onPlaced(func(ctx context.Context, _ input) (any, error) {
		return step.Run(ctx, "charge", func(context.Context) (string, error) { return "", errors.New("card 4242 declined") })
	}))
	s.call(t.Context(), t, "fulfil", run{})
	charge := s.named(t, "step charge")
	require.Equal(t, "card **** declined", charge.Status.Description)
	require.Contains(t, charge.Events[0].Attributes, attribute.String("exception.message", "card **** declined"))
}

// A batch is recorded as a JSON array, up to the limit.
func TestDataOfBatches(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]string{
		100: `[{"id":"a"},{"id":"b"},{"id":"c"}]`,
		15:  `[{"id":"a"},…`,
	} {
		s := newSite(t, []inngestotel.Option{inngestotel.WithEventData(limit)},
			onPlaced(func(context.Context, input) (any, error) { return "ok", nil }))
		s.call(t.Context(), t, "fulfil", run{events: []string{event("1", `{"id":"a"}`), event("2", `{"id":"b"}`), event("3", `{"id":"c"}`)}})
		require.Equal(t, want, attributes(s.named(t, "process fulfil"))[inngestotel.EventDataKey])
	}
}

// panicking is an output whose encoding panics.
type panicking struct{}

func (panicking) MarshalJSON() ([]byte, error) { panic("oh") }

// Outputs that are missing or cannot be encoded are not recorded, and do no harm.
func TestOutputsThatAreNotRecorded(t *testing.T) {
	t.Parallel()
	for name, output := range map[string]any{"nil": nil, "no JSON": func() {}, "panics": panicking{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, []inngestotel.Option{inngestotel.WithStepData(100)}, onPlaced(func(ctx context.Context, _ input) (any, error) {
				return step.Run(ctx, "a", func(context.Context) (any, error) { return output, nil })
			}))
			resp := s.call(t.Context(), t, "fulfil", run{})
			require.Equal(t, 206, resp.Status, "%s", resp.Body)
			require.Equal(t, output != nil, strings.Contains(string(resp.Body), "StepFailed"))
			got := attributes(s.named(t, "step a"))
			require.NotContains(t, got, inngestotel.StepOutputKey)
			require.Equal(t, output != nil, got[inngestotel.OutcomeKey] == "non_retriable", "an output that cannot be encoded is not retried")
		})
	}
}
