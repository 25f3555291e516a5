package expr_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/cel-go/common/types"
	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/inngesttest/internal/expr"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// The verdicts of this package are those of the servers.
func TestParity(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]version.Version{
		devserver.NewestVersion: version.Newest,
		devserver.OldestVersion: version.Oldest,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &parity{t: t, eval: expr.New(v, time.Now), version: v, expected: map[outcome]string{}, refuted: map[outcome]string{}}
			p.addTriggers()
			p.addWaits()
			p.addSentinels()
			p.app, p.server = newApp(t, name, p.functions)
			p.send(p.begin...)
			p.await(p.expected, p.end)
			// What the events have caused is done when two other runs have waited and ended.
			p.await(p.sentinel(0), p.end[:1])
			p.await(p.sentinel(1), p.end[:1])
			p.compare()
		})
	}
}

// A parity compares what a server does with what an evaluator says.
type parity struct {
	t       *testing.T
	eval    *expr.Evaluator
	version version.Version
	app     *app
	server  *devserver.Server

	functions []function
	// begin are the events that start runs, and end those that runs wait for.
	begin, end []map[string]any
	// expected and refuted have what must and must not happen, with the expressions.
	expected, refuted map[outcome]string
	sent              int
}

// conditionsPerTrigger is the number of conditions of a trigger, where the server lifts at
// most 26 literals.
const conditionsPerTrigger = 10

// addTriggers adds functions whose conditions are evaluated with each of the events. A run
// costs the server more than an evaluation, therefore a trigger combines conditions: one
// runs if all are true, another if one is true that should not be.
func (p *parity) addTriggers() {
	verdicts := 0
	for i, data := range triggerData {
		event := newEvent(fmt.Sprintf("parity/trigger-%d", i), data)
		p.begin = append(p.begin, event)
		var positive, negative []string
		for _, condition := range p.conditions() {
			verdicts++
			result := p.eval.Bool(condition, expr.Vars{"event": event})
			switch {
			case result.OK:
				positive = append(positive, condition)
			case errors.Is(result.Err, expr.ErrNotBool): // alone, because v1.43.0 returns the value from ||
				p.addTrigger(event, condition)
			default:
				negative = append(negative, condition)
			}
		}
		p.addCombined(event, " && ", positive, true)
		p.addCombined(event, " || ", negative, false)
	}
	p.t.Logf("%d verdicts of triggers", verdicts)
	require.GreaterOrEqual(p.t, verdicts, 900)
}

// conditions returns the conditions that the server accepts.
func (p *parity) conditions() []string {
	var accepted []string
	for _, condition := range conditions() {
		if p.eval.CheckWait(condition) == nil {
			accepted = append(accepted, condition)
		}
	}
	return accepted
}

// addCombined adds triggers with conditions that are all true or all false. A few change the
// values of others, because a missing path makes the objects above it missing too.
func (p *parity) addCombined(event map[string]any, operator string, conditions []string, starts bool) {
	for some := range slices.Chunk(conditions, conditionsPerTrigger) {
		combined := "(" + strings.Join(some, "\n)"+operator+"(") + "\n)"
		if p.eval.Bool(combined, expr.Vars{"event": event}).OK == starts {
			p.addTrigger(event, combined)
			continue
		}
		for _, condition := range some {
			p.addTrigger(event, condition)
		}
	}
}

func (p *parity) addTrigger(event map[string]any, condition string) {
	id := fmt.Sprintf("trigger-%d", len(p.functions))
	p.functions = append(p.functions, function{id: id, event: event["name"].(string), condition: condition})
	p.expect(p.eval.Bool(condition, expr.Vars{"event": event}).OK, id, started, condition)
}

func (p *parity) expect(is bool, function, what, description string) {
	if is {
		p.expected[outcome{function, what}] = description
	} else {
		p.refuted[outcome{function, what}] = description
	}
}

// addWaits adds functions that wait: each condition in one of the meetings, and the first ones
// in the first meeting too. From 50 waits for an event, the server looks for them in another way.
func (p *parity) addWaits() {
	const first = 15
	conditions := waitConditions()
	for m, data := range meetings {
		begin := newEvent(fmt.Sprintf("parity/begin-%d", m), data.trigger)
		end := newEvent(fmt.Sprintf("parity/end-%d", m), data.awaited)
		p.begin, p.end = append(p.begin, begin), append(p.end, end)
		for i, condition := range conditions {
			if m == i%len(meetings) || m == 0 && i < first {
				p.addWait(condition, begin, end)
			}
		}
	}
}

func (p *parity) addWait(condition string, begin, end map[string]any) {
	verdict, err := p.verdict(condition, begin, end)
	if p.version == version.Oldest && errors.As(err, new(*types.Err)) {
		return // the server crashes
	}
	f := function{
		id: fmt.Sprintf("wait-%d", len(p.functions)), event: begin["name"].(string),
		wait: &wait{end["name"].(string), condition},
	}
	p.functions = append(p.functions, f)
	description := fmt.Sprintf("%s with %v and %v", condition, begin["data"], end["data"])
	p.expect(verdict, f.id, resumed, description)
	p.expect(errors.As(err, new(*expr.CompileError)), f.id, failed, description)
}

// verdict returns whether a wait gets an event, or why it cannot wait.
func (p *parity) verdict(condition string, begin, end map[string]any) (bool, error) {
	if err := p.eval.CheckWait(condition); err != nil {
		return false, err
	}
	residue, err := p.eval.Interpolate(condition, begin)
	if err != nil {
		return false, err
	}
	return p.eval.Bool(residue, expr.Vars{"async": end}).OK, nil
}

// await waits until outcomes have happened, for a while. Meanwhile it sends the events that
// end waits again, because a wait misses those that come before it.
func (p *parity) await(outcomes map[outcome]string, ends []map[string]any) {
	deadline := time.After(time.Minute)
	interval := time.Second
	resend := time.After(interval)
	for o := range outcomes {
		for {
			seen, changed := p.app.has(o)
			if seen {
				break
			}
			select {
			case <-changed:
			case <-resend:
				p.send(ends...)
				interval *= 2
				resend = time.After(interval)
			case <-deadline:
				return
			}
		}
	}
}

// addSentinels adds functions that wait for an event of the first meeting.
func (p *parity) addSentinels() {
	for i := range 2 {
		id := fmt.Sprintf("sentinel-%d", i)
		p.functions = append(p.functions, function{id: id, event: id, wait: &wait{"parity/end-0", "true"}})
	}
}

// sentinel starts a run that waits, and returns its end.
func (p *parity) sentinel(i int) map[outcome]string {
	id := fmt.Sprintf("sentinel-%d", i)
	p.send(newEvent(id, "{}"))
	return map[outcome]string{{id, resumed}: id}
}

func (p *parity) compare() {
	p.t.Logf("%d outcomes expected, %d refuted", len(p.expected), len(p.refuted))
	for o, description := range p.expected {
		if seen, _ := p.app.has(o); !seen {
			p.t.Errorf("the server says no to %s: %s", o, description)
		}
	}
	for o, description := range p.refuted {
		if seen, _ := p.app.has(o); seen {
			p.t.Errorf("the server says yes to %s: %s", o, description)
		}
	}
}

// newEvent returns an event as the server gives it to expressions.
func newEvent(name, data string) map[string]any {
	decoded := map[string]any{}
	if err := json.Unmarshal([]byte(data), &decoded); err != nil {
		panic(err)
	}
	return map[string]any{"name": name, "id": "an ID", "ts": 1_700_000_000_000.0, "user": map[string]any{}, "data": decoded}
}

// send sends events, with new IDs, because the server ignores IDs that it knows.
func (p *parity) send(events ...map[string]any) {
	for _, e := range events {
		p.sent++
		e = maps.Clone(e)
		e["id"] = fmt.Sprintf("%v %d", e["name"], p.sent)
		require.NoError(p.t, p.server.Do(p.t.Context(), http.MethodPost, "/e/test", e, nil))
	}
}
