package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
)

// A dashboard holds the parts of the dashboard that the tests read.
type dashboard struct {
	Panels []struct {
		ID         int    `json:"id"`
		Type       string `json:"type"`
		Title      string `json:"title"`
		Datasource source `json:"datasource"`
		GridPos    struct {
			X int `json:"x"`
			Y int `json:"y"`
			W int `json:"w"`
			H int `json:"h"`
		} `json:"gridPos"`
		FieldConfig struct {
			Defaults struct {
				Unit string `json:"unit"`
			} `json:"defaults"`
		} `json:"fieldConfig"`
		Targets []struct {
			Datasource   source `json:"datasource"`
			Expr         string `json:"expr"`
			LegendFormat string `json:"legendFormat"`
			RefID        string `json:"refId"`
		} `json:"targets"`
	} `json:"panels"`
	Templating struct {
		List []struct {
			Name       string `json:"name"`
			Type       string `json:"type"`
			Definition string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
}

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	raw, err := os.ReadFile("../../contrib/otel/grafana-dashboard.json")
	require.NoError(t, err)
	var d dashboard
	require.NoError(t, json.Unmarshal(raw, &d))
	require.NotEmpty(t, d.Panels)
	return d
}

// Each panel has a query, a unit and its own place.
func TestDashboardPanels(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	ids := map[int]bool{}
	taken := map[[2]int]string{}
	for _, panel := range d.Panels {
		require.NotZero(t, panel.ID, panel.Title)
		require.False(t, ids[panel.ID], "two panels have the ID %d", panel.ID)
		ids[panel.ID] = true
		require.NotEmpty(t, panel.Title)
		at := panel.GridPos
		require.Positive(t, at.W*at.H, panel.Title)
		require.LessOrEqual(t, at.X+at.W, 24, "%s: the grid is 24 wide", panel.Title)
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				require.Empty(t, taken[[2]int{x, y}], "%s is on", panel.Title)
				taken[[2]int{x, y}] = panel.Title
			}
		}
		if panel.Type == "row" {
			continue
		}
		prometheus := source{Type: "prometheus", UID: "${DS_PROMETHEUS}"}
		require.Equal(t, prometheus, panel.Datasource, panel.Title)
		require.NotEmpty(t, panel.FieldConfig.Defaults.Unit, panel.Title)
		require.NotEmpty(t, panel.Targets, panel.Title)
		refs := map[string]bool{}
		for _, target := range panel.Targets {
			require.Equal(t, prometheus, target.Datasource, panel.Title)
			require.NotEmpty(t, target.Expr, panel.Title)
			require.False(t, refs[target.RefID], "%s: two targets %s", panel.Title, target.RefID)
			refs[target.RefID] = true
		}
	}
}

// The services serve each metric and label in the dashboard's queries, and the dashboard
// has each metric of the package.
func TestDashboardMetrics(t *testing.T) {
	t.Parallel()
	served := serveAll(t)
	d := readDashboard(t)
	variables := map[string]bool{"__rate_interval": true} // Grafana's own
	var queries []string
	for _, variable := range d.Templating.List {
		variables[variable.Name] = true
		if variable.Type == "query" {
			queries = append(queries, variable.Definition)
		}
	}
	require.True(t, variables["DS_PROMETHEUS"])
	asked := map[string]bool{}
	check := func(query string) {
		for _, variable := range regexp.MustCompile(`\$\{?(\w+)`).FindAllStringSubmatch(query, -1) {
			require.True(t, variables[variable[1]], "%s: no variable is called %s", query, variable[1])
		}
		selectors := selectorsOf(t, query)
		require.NotEmpty(t, selectors, query)
		for metric, labels := range selectors {
			asked[metric] = true
			require.Contains(t, served, metric, query)
			for _, label := range labels {
				require.Contains(t, served[metric], label, "%s: %s has no such label", query, metric)
			}
		}
	}
	for _, query := range queries {
		check(query)
	}
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			check(target.Expr)
			for _, label := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(target.LegendFormat, -1) {
				require.Regexp(t, `by \([^)]*\b`+label[1]+`\b`, target.Expr, "%s: its legend", panel.Title)
			}
		}
	}
	for metric := range served {
		if strings.HasPrefix(metric, "inngest_") || strings.HasPrefix(metric, "messaging_") {
			require.True(t, asked[metric] || strings.HasSuffix(metric, "_sum") || asked[strings.TrimSuffix(metric, "_count")+"_bucket"],
				"the dashboard does not show %s", metric)
		}
	}
}

var (
	selector = regexp.MustCompile(`(\w*)\{([^}]*)\}`)
	matcher  = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"`)
	grouping = regexp.MustCompile(`by \(([^)]*)\)`)
	variable = regexp.MustCompile(`^label_values\((\w*\{.*\}), (\w+)\)$`)
)

// selectorsOf returns the metrics in a query with the labels that the query uses. Labels
// that results are grouped by count for all metrics.
func selectorsOf(t *testing.T, query string) map[string][]string {
	t.Helper()
	var all []string
	for _, by := range grouping.FindAllStringSubmatch(query, -1) {
		all = append(all, strings.Split(by[1], ", ")...)
	}
	if found := variable.FindStringSubmatch(query); found != nil {
		query, all = found[1], []string{found[2]}
	}
	asked := map[string][]string{}
	for _, found := range selector.FindAllStringSubmatch(query, -1) {
		metrics, labels := []string{found[1]}, slices.Clone(all)
		for _, match := range matcher.FindAllStringSubmatch(found[2], -1) {
			if match[1] == "__name__" {
				metrics = strings.Split(match[2], "|")
				continue
			}
			labels = append(labels, match[1])
		}
		for _, metric := range metrics {
			asked[metric] = append(asked[metric], labels...)
		}
	}
	// The expression above does not find metrics without a selector.
	rest := grouping.ReplaceAllString(selector.ReplaceAllString(query, ""), "")
	require.NotRegexp(t, `inngest|messaging`, rest, query)
	return asked
}

// serveAll returns the metrics of both services, with their labels, after an order and
// after failures.
func serveAll(t *testing.T) map[string][]string {
	t.Helper()
	apps := make(chan *inngestkit.App, 1)
	lost := inngestkit.DefineEvent[Order]("order.lost")
	p := start(t, service("orders", func(app *inngestkit.App, t *telemetry) (server, error) {
		apps <- app
		if err := app.Register(inngestkit.OnEvent("search-order", lost,
			func(context.Context, inngestkit.Input[Order]) (any, error) { return nil, errors.New("it is lost") },
			flow.Retries(0))); err != nil {
			return nil, err
		}
		return newOrders(app, t)
	}), service("shipping", newShipping))
	p.await(t, lastLine, 1)

	app := <-apps
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := app.Send(gone, lost.New(Order{}))
	require.Error(t, err)
	_, err = app.Send(t.Context(), lost.New(Order{}))
	require.NoError(t, err)
	orders := p.url(t, "orders") + "/metrics"
	require.Eventually(t, func() bool {
		return strings.Contains(get(t, orders, nil), `inngest_function_executions_total{inngest_outcome="failed"`)
	}, time.Minute, 100*time.Millisecond)

	served := map[string][]string{}
	for _, url := range []string{orders, p.url(t, "shipping") + "/metrics"} {
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(get(t, url, nil)))
		require.NoError(t, err)
		for name, family := range families {
			labels := labelsOf(family)
			names := []string{name}
			if family.GetType() == dto.MetricType_HISTOGRAM {
				names = []string{name + "_bucket", name + "_sum", name + "_count"}
				labels["le"] = true
			}
			for _, name := range names {
				served[name] = append(served[name], slices.Collect(maps.Keys(labels))...)
			}
		}
	}
	return served
}

// labelsOf returns the labels of a metric, including those that Prometheus adds.
func labelsOf(family *dto.MetricFamily) map[string]bool {
	labels := map[string]bool{"job": true, "instance": true}
	for _, metric := range family.GetMetric() {
		for _, label := range metric.GetLabel() {
			labels[label.GetName()] = true
		}
	}
	return labels
}
