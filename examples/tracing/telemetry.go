package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
)

// propagator reads and writes the trace context in the headers of HTTP requests.
var propagator = propagation.TraceContext{}

// telemetry is the OpenTelemetry SDK of one service. This program has two services,
// so each passes its own to the code that records spans. A program with one service
// can set it globally, with otel.SetTracerProvider, otel.SetMeterProvider and
// otel.SetTextMapPropagator, and omit the options.
type telemetry struct {
	traces  *sdktrace.TracerProvider
	metrics *sdkmetric.MeterProvider
	// scrape serves the metrics to Prometheus.
	scrape http.Handler
}

// newTelemetry sets OpenTelemetry up for a service. Spans go to the exporter of the
// standard variables (see [exporter]) and to processors.
func newTelemetry(ctx context.Context, service string, processors ...sdktrace.SpanProcessor) (*telemetry, error) {
	// The default uses OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME. The name given
	// here overrides them, because they would name both services. A program with one
	// service can use the variables instead.
	about, err := resource.Merge(resource.Default(), resource.NewSchemaless(semconv.ServiceName(service)))
	if err != nil {
		return nil, fmt.Errorf("telemetry: resource: %w", err)
	}
	registry := prometheus.NewRegistry()
	reader, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		return nil, fmt.Errorf("telemetry: Prometheus exporter: %w", err)
	}
	options := []sdktrace.TracerProviderOption{sdktrace.WithResource(about)}
	for _, processor := range processors {
		options = append(options, sdktrace.WithSpanProcessor(processor))
	}
	spans, err := exporter(ctx)
	if err != nil {
		return nil, fmt.Errorf("telemetry: span exporter configured by OTEL_* variables: %w", err)
	}
	if spans != nil {
		options = append(options, sdktrace.WithBatcher(spans))
	}
	return &telemetry{
		traces:  sdktrace.NewTracerProvider(options...),
		metrics: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithResource(about)),
		scrape:  promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
	}, nil
}

// exporter returns the exporter that the standard variables specify, with their
// endpoint, protocol and headers, or nil if they specify none. OpenTelemetry's
// default would be a collector on this machine, which may not exist.
//
//nolint:nilnil // having no exporter is not an error
func exporter(ctx context.Context) (sdktrace.SpanExporter, error) {
	asked := false
	for _, name := range []string{
		"OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
	} {
		asked = asked || os.Getenv(name) != ""
	}
	if !asked {
		return nil, nil
	}
	spans, err := autoexport.NewSpanExporter(ctx)
	if err != nil || autoexport.IsNoneSpanExporter(spans) {
		return nil, err
	}
	return spans, nil
}

// shutdown exports the remaining spans.
func (t *telemetry) shutdown(ctx context.Context) error {
	if err := errors.Join(t.traces.Shutdown(ctx), t.metrics.Shutdown(ctx)); err != nil {
		return fmt.Errorf("telemetry: exporting the last spans: %w", err)
	}
	return nil
}
