package inngestotel

import (
	"context"
	"encoding/json"
	"time"

	"go.opentelemetry.io/otel/trace"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// step is the middleware that creates the span of each step whose callback runs.
func (t *telemetry) step(next inngestkit.StepHandler) inngestkit.StepHandler {
	return func(ctx context.Context, step *inngestkit.StepCall) (any, error) {
		f := t.of(step.Function.FunctionID)
		if f.filtered {
			return next(ctx, step)
		}
		ctx, span := t.started(ctx, func() (context.Context, trace.Span) { return t.startStep(ctx, f, step) })
		begin := time.Now()
		from := Recorded{FunctionID: step.Function.FunctionID, StepID: step.ID}
		step.OnEnd(func(outcome inngestkit.Outcome, err error) {
			t.guarded(func() { f.metrics.endStep(ctx, time.Since(begin), outcome, err) })
			t.end(ctx, span, outcome, err, from)
		})
		output, err := next(ctx, step)
		t.recordOutput(ctx, span, output, from)
		return output, err
	}
}

// startStep starts the span of a step.
func (t *telemetry) startStep(
	ctx context.Context, f *function, step *inngestkit.StepCall,
) (context.Context, trace.Span) {
	ctx, span := t.tracer.Start(ctx, cut("step "+step.ID, maxName), f.step)
	if span.IsRecording() {
		span.SetAttributes(callAttributes(step.Function)...)
		span.SetAttributes(StepIDKey.String(cut(step.ID, maxName)))
		if step.Index > 0 {
			span.SetAttributes(StepIndexKey.Int(step.Index))
		}
	}
	return ctx, span
}

// recordOutput records the output of a step on its span if [WithStepData] is set.
func (t *telemetry) recordOutput(ctx context.Context, span trace.Span, output any, from Recorded) {
	defer t.guard()
	if t.stepData == 0 || output == nil || !span.IsRecording() {
		return
	}
	from.Attribute, from.Text = StepOutputKey, encode(output)
	t.record(ctx, span, from, t.stepData)
}

// encode returns the output of a step as JSON, or "" if encoding fails or panics, which
// the app reports.
func encode(output any) (text string) {
	defer func() { _ = recover() }()
	encoded, err := json.Marshal(output)
	if err != nil {
		return ""
	}
	return string(encoded)
}
