package inngestotel_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

type Order struct {
	ID string `json:"id"`
}

var orderPlaced = inngestkit.DefineEvent[Order]("order.placed")

func Example() {
	app, err := inngestkit.New(inngestkit.Config{
		AppID: "shop", Dev: true,
		// Lines that functions log have trace_id and span_id.
		Logger: slog.New(inngestotel.LogHandler(slog.NewJSONHandler(os.Stderr, nil))),
	})
	if err != nil {
		panic(err)
	}
	if err := inngestotel.Install(app); err != nil { // the global providers
		panic(err)
	}
	err = app.Register(inngestkit.OnEvent("fulfil", orderPlaced, func(ctx context.Context, in inngestkit.Input[Order]) (string, error) {
		return step.Run(ctx, "reserve", func(ctx context.Context) (string, error) {
			// The span of the step is the current one: attributes go there, and spans
			// of databases and HTTP clients begin below it.
			trace.SpanFromContext(ctx).SetAttributes(attribute.String("order.id", in.Event.Data.ID))
			return "reserved", nil
		})
	}))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleInstall() {
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	if err != nil {
		panic(err)
	}
	fmt.Println(inngestotel.Install(app,
		inngestotel.WithAttributes(attribute.String("team", "checkout")),
		inngestotel.WithFilter(func(functionID string) bool { return functionID != "heartbeat" }),
		inngestotel.WithEventData(1024),
		inngestotel.WithStepData(1024),
		inngestotel.WithRedaction(func(_ context.Context, text inngestotel.Recorded) string {
			return strings.ReplaceAll(text.Text, "@", "[at]")
		}),
		inngestotel.WithField("otel"),
		inngestotel.WithBaggage(),
	))
	// Output: <nil>
}

func ExampleLogHandler() {
	withoutTime := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	logger := slog.New(inngestotel.LogHandler(slog.NewTextHandler(os.Stdout, withoutTime)))
	ctx := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2},
	}))
	logger.InfoContext(ctx, "hello")
	// Output: level=INFO msg=hello trace_id=01000000000000000000000000000000 span_id=0200000000000000 trace_flags=00
}
