package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// oddValues are values that servers have changed, and what has to arrive. An empty want means
// the value itself.
var oddValues = []struct{ sent, want string }{
	// Text that looks like JSON.
	{sent: `"{\"a\":1}"`},
	{sent: `"{}"`},
	{sent: `" {\"a\":1}"`},
	{sent: `"\n{\"a\":1}"`},
	{sent: `"{\"data\":1}"`},
	{sent: `"{\"error\":1}"`},
	{sent: `"{\"data\":{\"error\":{\"message\":\"x\"}}}"`},
	{sent: `"{"`},
	{sent: `"{not json}"`},
	{sent: `"[1,2]"`},
	{sent: `"[{\"a\":1}]"`},
	{sent: `"\"quoted\""`},
	{sent: `"\""`},
	{sent: `""`},
	{sent: `"null"`},
	{sent: `"true"`},
	{sent: `"12"`},
	{sent: `"\u0000"`},
	{sent: `"eyJpbnB1dCI6MX0="`}, // {"input":1} in base64
	{sent: `"9007199254740993"`},
	// Objects that look like those of the protocol.
	{sent: `{"data":1}`},
	{sent: `{"data":{"a":1}}`},
	{sent: `{"data":null}`},
	{sent: `{"error":1}`},
	{sent: `{"error":null}`},
	{sent: `{"error":{"message":"m","name":"E"}}`},
	{sent: `{"data":1,"error":{"message":"m"}}`},
	{sent: `{"input":1}`},
	{sent: `{"message":"m","name":"Error"}`},
	{sent: `{"body":"{\"a\":1}","statusCode":500}`},
	{sent: `[{"data":1,"id":"x","op":"StepRun"}]`},
	{sent: `{"_inngest":1,"b":2}`},
	{sent: `{"":1}`},
	{sent: `{}`},
	{sent: `[]`},
	{sent: `[null]`},
	{sent: `null`},
	{sent: `true`},
	{sent: `false`},
	{sent: `0`},
	// Numbers: each becomes a float64 and is written as JavaScript writes it.
	{sent: `0.1`},
	{sent: `5e-324`},
	{sent: `1e300`, want: `1e+300`},
	{sent: `1.0`, want: `1`},
	{sent: `-0.0`, want: `0`},
	{sent: `9007199254740992`},
	{sent: `9007199254740993`, want: `9007199254740992`},
	{sent: `616581622363398142`, want: `616581622363398100`},
	{sent: `100000000000000000000000`, want: `1e+23`},
	{sent: `{"n":[{"deep":9007199254740993}]}`, want: `{"n":[{"deep":9007199254740992}]}`},
}

// values holds all of them in one object.
type values struct {
	Values []json.RawMessage `json:"values"`
}

func allValues() (all values) {
	for _, v := range oddValues {
		all.Values = append(all.Values, json.RawMessage(v.sent))
	}
	return all
}

// arrivals records what has arrived on each way.
type arrivals struct {
	mu  sync.Mutex
	got map[string][]json.RawMessage
}

func (a *arrivals) set(way string, i int, value json.RawMessage) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.got[way] == nil {
		a.got[way] = make([]json.RawMessage, len(oddValues))
	}
	a.got[way][i] = value
}

func (a *arrivals) setAll(way string, all []json.RawMessage) {
	for i, value := range all {
		a.set(way, i, value)
	}
}

// check compares what has arrived with what should have.
func (a *arrivals) check(t *testing.T, ways ...string) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, way := range ways {
		require.NotNil(t, a.got[way], way)
		for i, v := range oddValues {
			want := v.want
			if want == "" {
				want = v.sent
			}
			require.Equal(t, want, string(a.got[way][i]), "%s: %s", way, v.sent)
		}
	}
}

// numbered is the index of a value.
type numbered struct {
	Index int `json:"index"`
}

// valueFunctions returns a function that sends all values on all ways, and those it needs.
func valueFunctions(a *arrivals) []inngestkit.Function {
	output := inngestkit.OnEvent("output", inngestkit.DefineEvent[numbered]("values/output"),
		func(_ context.Context, in inngestkit.Input[numbered]) (any, error) {
			return json.RawMessage(oddValues[in.Event.Data.Index].sent), nil
		})
	taken := inngestkit.OnEvent("taken", inngestkit.DefineEvent[values]("values/taken"),
		func(_ context.Context, in inngestkit.Input[values]) (any, error) {
			a.setAll("data of an invoked function", in.Event.Data.Values)
			return nil, nil
		})
	return []inngestkit.Function{output, taken, inngestkit.OnEvent("values", inngestkit.DefineEvent[values]("values/sent"),
		func(ctx context.Context, in inngestkit.Input[values]) (any, error) {
			a.setAll("data of an event", in.Event.Data.Values)
			var branches []func(context.Context) error
			for i, v := range oddValues {
				branches = append(branches, func(ctx context.Context) error {
					kept, err := step.Run(ctx, "step "+strconv.Itoa(i), func(context.Context) (json.RawMessage, error) {
						return json.RawMessage(v.sent), nil
					})
					a.set("result of a step", i, kept)
					return err
				}, func(ctx context.Context) error {
					returned, err := step.Invoke(ctx, "output "+strconv.Itoa(i),
						inngestkit.Ref[numbered, json.RawMessage]{FunctionID: "output"}, numbered{i})
					a.set("output of an invoked function", i, returned)
					return err
				})
			}
			if err := step.Parallel(ctx, branches...); err != nil {
				return nil, err
			}
			if _, err := step.Invoke(ctx, "invoke", taken, allValues()); err != nil {
				return nil, err
			}
			return nil, waitForValues(ctx, a)
		})}
}

// waitForValues waits for all values in one event and one signal, and for one value in
// another signal.
func waitForValues(ctx context.Context, a *arrivals) error {
	event, err := step.WaitForEvent(ctx, "event", inngestkit.DefineEvent[values]("values/awaited"), step.Timeout(time.Minute))
	if err != nil {
		return err
	}
	a.setAll("data of an event that a step waits for", event.Data.Values)
	signal, err := step.WaitForSignal[values](ctx, "signal", "values", step.Timeout(time.Minute))
	if err != nil {
		return err
	}
	a.setAll("data of a signal", signal.Values)
	text, err := step.WaitForSignal[string](ctx, "text", "text", step.Timeout(time.Minute))
	if err != nil {
		return err
	}
	if text != `{"a":1}` {
		return inngestkit.NoRetry(fmt.Errorf("the signal arrived as %q", text))
	}
	return nil
}

// How servers change values. Those that they change needlessly are encoded so that they
// remain; docs/servers.md lists the rest.
func TestValuesOnTheRealServer(t *testing.T) {
	t.Parallel()
	server := testsite.NewServer(t)
	a := &arrivals{got: map[string][]json.RawMessage{}}
	s := &site{serve(t, server, adapters[0], "shop", "", valueFunctions(a)...), server}
	id := s.send(t, inngestkit.DefineEvent[values]("values/sent").New(allValues()))
	await := func(step string) {
		_, err := server.AwaitStep(testsite.WithinTime(t, longTimeout), id, step)
		require.NoError(t, err)
	}
	await("event")
	s.send(t, inngestkit.DefineEvent[values]("values/awaited").New(allValues()))
	await("signal")
	require.NoError(t, s.app.SendSignal(testsite.Within(t), "values", allValues()))
	await("text")
	require.NoError(t, s.app.SendSignal(testsite.Within(t), "text", `{"a":1}`))
	run := s.ended(t, id)
	require.Equal(t, devserver.RunCompleted, run.Status, "%s", run.Output)
	a.check(t, "data of an event", "result of a step", "output of an invoked function", "data of an invoked function",
		"data of an event that a step waits for", "data of a signal")
}
