package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// If the standard variables name a collector, it has received the spans of both services
// when the program ends.
func TestCollector(t *testing.T) {
	received := newCollector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=shop")
	t.Setenv("OTEL_SERVICE_NAME", "not-this-one")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
	status, out := run(t.Context(), service("orders", newOrders), service("shipping", newShipping))
	require.Zero(t, status, out)

	received.mu.Lock()
	defer received.mu.Unlock()
	require.Equal(t, map[string]map[string]int{
		"orders": {
			"POST /orders": 1, "send order.placed": 1, "process fulfil-order": 5, "step reserve-stock": 1,
			"step charge-card": 2, "step announce-payment": 1, "send order.paid": 1,
		},
		"shipping": {"process ship-order": 4, "step pack-parcel": 1, "step hand-over": 1},
	}, received.inTraceOf("POST /orders"))
	for _, resource := range received.resources {
		require.Contains(t, resource, "deployment.environment.name=test")
	}
	for _, team := range received.teams {
		require.Equal(t, "shop", team)
	}
}

// Without an exporter, or with the value none, spans are not exported.
func TestNoExporter(t *testing.T) {
	spans, err := exporter(t.Context())
	require.NoError(t, err)
	require.Nil(t, spans)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
	t.Setenv("OTEL_TRACES_EXPORTER", "none")
	spans, err = exporter(t.Context())
	require.NoError(t, err)
	require.Nil(t, spans)
}

// An invalid variable ends the program with an error.
func TestWrongExporter(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "nonsense")
	status, out := run(t.Context(), service("orders", newOrders), service("shipping", newShipping))
	require.Equal(t, 1, status)
	require.Contains(t, out, "telemetry: span exporter configured by OTEL_* variables: unknown exporter")
}

// received is an OpenTelemetry collector that keeps what it receives.
type received struct {
	url string

	mu        sync.Mutex
	spans     []*tracepb.Span
	services  []string // of each span
	resources []string
	teams     []string // the header x-team of each request
}

func newCollector(t *testing.T) *received {
	t.Helper()
	r := &received{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		var export collector.ExportTraceServiceRequest
		if err != nil || req.URL.Path != "/v1/traces" || proto.Unmarshal(body, &export) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.add(&export, req.Header.Get("X-Team"))
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *received) add(export *collector.ExportTraceServiceRequest, team string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.teams = append(r.teams, team)
	for _, of := range export.GetResourceSpans() {
		service, all := "", make([]string, 0)
		for _, a := range of.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				service = text(a)
			}
			all = append(all, a.GetKey()+"="+text(a))
		}
		r.resources = append(r.resources, strings.Join(all, " "))
		for _, scope := range of.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				r.spans = append(r.spans, span)
				r.services = append(r.services, service)
			}
		}
	}
}

func text(a *common.KeyValue) string { return a.GetValue().GetStringValue() }

// inTraceOf counts the spans in the trace of the named span, by service and name.
func (r *received) inTraceOf(name string) map[string]map[string]int {
	var trace string
	for _, span := range r.spans {
		if span.GetName() == name {
			trace = string(span.GetTraceId())
		}
	}
	counts := map[string]map[string]int{}
	for i, span := range r.spans {
		if string(span.GetTraceId()) != trace {
			continue
		}
		if counts[r.services[i]] == nil {
			counts[r.services[i]] = map[string]int{}
		}
		counts[r.services[i]][span.GetName()]++
	}
	return counts
}
