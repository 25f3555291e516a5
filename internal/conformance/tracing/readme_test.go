package tracing

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// The tables of the README name every attribute, metric and outcome, and no others.
func TestReadmeNamesEverything(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../contrib/otel/README.md")
	require.NoError(t, err)
	table := map[string]string{} // the rest of each row by its first cell
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)`[^|]*\\|(.*)$").FindAllStringSubmatch(string(text), -1) {
		table[row[1]] = row[2]
	}
	attributes, metrics := everything(t)
	for name := range attributes {
		require.Contains(t, table, name)
	}
	for name, on := range metrics {
		require.Contains(t, table, name)
		for attribute := range on {
			short := regexp.MustCompile(`^messaging\.operation\..*`).ReplaceAllString(attribute, "messaging.operation.*")
			require.True(t, strings.Contains(table[name], "`"+short+"`") || strings.Contains(table[name], "`"+attribute+"`") ||
				strings.Contains(table[name], "the above"), "%s of %s", attribute, name)
		}
	}
	for name := range table {
		if strings.HasPrefix(name, "With") || strings.Contains(name, " ") {
			continue // options and spans
		}
		_, isAttribute := attributes[name]
		_, isMetric := metrics[name]
		_, isOutcome := map[inngestkit.Outcome]bool{
			inngestkit.OutcomeCompleted: true, inngestkit.OutcomeYielded: true, inngestkit.OutcomeRetried: true,
			inngestkit.OutcomeFailed: true, inngestkit.OutcomeNonRetriable: true,
		}[inngestkit.Outcome(name)]
		require.True(t, isAttribute || isMetric || isOutcome, name)
	}
}

// everything returns all attributes of spans and of each metric.
func everything(t *testing.T) (attributes map[string]bool, metrics map[string]map[string]bool) {
	t.Helper()
	s := newSite(t, []inngestotel.Option{inngestotel.WithEventData(100), inngestotel.WithStepData(100)},
		onPlaced(func(ctx context.Context, in input) (any, error) {
			if in.Event.Data.ID == "panic" {
				panic("oh")
			}
			for range 2 {
				if _, err := step.SendEvent(ctx, "again", shaped.New(nil), placed.New(order{})); err != nil {
					return nil, err
				}
			}
			return nil, errors.New("no")
		}))
	s.call(t.Context(), t, "fulfil", run{})
	s.call(t.Context(), t, "fulfil", run{}.kept("again", nil))
	s.call(t.Context(), t, "fulfil", run{events: []string{event("e", `{"id":"panic"}`), event("f", `{"id":"panic"}`)}})
	_, err := s.app.Send(t.Context(), shaped.New(nil))
	require.NoError(t, err)
	s.sent.refuse(401, "no")
	_, err = s.app.Send(t.Context(), shaped.New(nil))
	require.Error(t, err)

	attributes, metrics = map[string]bool{}, map[string]map[string]bool{}
	note := func(all []attribute.KeyValue) {
		for _, a := range all {
			attributes[string(a.Key)] = true
		}
	}
	for _, span := range s.spans.GetSpans() {
		note(span.Attributes)
		for _, event := range span.Events {
			note(event.Attributes)
		}
	}
	for name, metric := range s.collected(t) {
		metrics[name] = map[string]bool{}
		for _, set := range attributeSets(t, metric) {
			for _, a := range set.ToSlice() {
				metrics[name][string(a.Key)] = true
			}
		}
	}
	return attributes, metrics
}
