package inngesttest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// everything has a step of each kind. It returns what each of them returned.
func everything(other step.Invocable[order, receipt]) inngestkit.TypedFunction[order, map[string]string] {
	return inngestkit.OnEvent("everything", ordered, func(ctx context.Context, in inngestkit.Input[order]) (map[string]string, error) {
		results := map[string]string{}
		note := func(id, value string, err error) {
			results[id] = value
			if err != nil {
				results[id] = "error: " + err.Error()
			}
			if errors.Is(err, step.ErrTimeout) {
				results[id] = "timeout"
			}
		}
		value, err := step.Run(ctx, "run", func(context.Context) (string, error) { return "ran", nil })
		note("run", value, err)
		event, err := step.WaitForEvent(ctx, "event", approved, step.Timeout(time.Hour), step.If("async.data.orderId == event.data.id"))
		note("event", event.Data.By, err)
		signal, err := step.WaitForSignal[string](ctx, "signal", "approve", step.Timeout(time.Hour))
		note("signal", signal, err)
		invoked, err := step.Invoke(ctx, "invoke", other, in.Event.Data, step.Timeout(time.Hour))
		note("invoke", invoked.ID, err)
		fetched, err := step.Fetch(ctx, "fetch", step.FetchRequest{URL: "https://rates.test"})
		note("fetch", http.StatusText(fetched.StatusCode)+" "+fetched.Body, err)
		inferred, err := step.Infer[receipt](ctx, "infer", step.InferRequest{URL: "https://model.test", Body: map[string]any{"q": 1}})
		note("infer", inferred.ID, err)
		return results, nil
	})
}

func otherFunction() inngestkit.TypedFunction[order, receipt] {
	return inngestkit.OnEvent("other", shipped, func(context.Context, inngestkit.Input[order]) (receipt, error) {
		return receipt{ID: "real"}, nil
	})
}

// A stub decides how a step of each kind ends.
func TestStubs(t *testing.T) {
	t.Parallel()
	declined := inngestkit.NoRetry(errors.New("declined"))
	for name, tc := range map[string]struct {
		stub  func(e *inngesttest.Engine)
		want  map[string]string
		after time.Duration
	}{
		"success": {
			func(e *inngesttest.Engine) {
				e.Step("run").Returns("stubbed")
				e.Step("event").Receives(approved.New(approval{OrderID: "o1", By: "ann"}))
				e.Step("signal").Returns("go")
				e.Step("invoke").Returns(receipt{ID: "r1"})
				e.Step("fetch").Responds(http.StatusTeapot, "short")
				e.Step("infer").Responds(http.StatusOK, receipt{ID: "i1"})
			},
			map[string]string{
				"run": "stubbed", "event": "ann", "signal": "go", "invoke": "r1", "fetch": "I'm a teapot short", "infer": "i1",
			},
			0,
		},
		"failure": {
			func(e *inngesttest.Engine) {
				e.Step("run").Fails(declined)
				e.Step("event").TimesOut()
				e.Step("signal").TimesOut()
				e.Step("invoke").Fails(errors.New("broken"))
				e.Step("fetch").Responds(http.StatusOK, nil)
				e.Step("infer").Responds(http.StatusBadRequest, receipt{})
			},
			map[string]string{
				"run": "error: declined", "event": "timeout", "signal": "timeout", "invoke": "error: broken", "fetch": "OK ",
				"infer": "error: Error making AI request: unsuccessful status code: 400",
			},
			2 * time.Hour,
		},
		"functions": {
			func(e *inngesttest.Engine) {
				e.Step("run").Does(func(ctx context.Context, in inngesttest.StepInput) (any, error) {
					value, err := in.Callback(ctx)
					return value.(string) + " in " + in.FunctionID, err
				})
				e.Step("event").Receives(approved.New(approval{OrderID: "o2", By: "bob"})) // does not meet the condition
				e.Step("signal").Returns("go")
				e.Step("invoke").Does(func(_ context.Context, in inngesttest.StepInput) (any, error) {
					var data order
					return receipt{ID: "for " + string(in.Data)}, json.Unmarshal(in.Data, &data)
				})
				e.Step("fetch").Does(func(_ context.Context, in inngesttest.StepInput) (any, error) {
					return in.Request.Method + " " + in.Request.URL.Host, nil
				})
				e.Step("infer").Does(func(_ context.Context, in inngesttest.StepInput) (any, error) {
					again, err := io.ReadAll(in.Request.Body)
					return receipt{ID: in.Request.URL.Host + " " + string(in.Data) + " " + string(again)}, err
				})
			},
			map[string]string{
				"run": "ran in everything", "event": "timeout", "signal": "go", "invoke": `for {"amount":0,"id":"o1"}`,
				"fetch": "OK GET rates.test", "infer": `model.test {"q":1} {"q":1}`,
			},
			time.Hour,
		},
		"an invoked function that takes too long": {
			func(e *inngesttest.Engine) {
				e.Step("event").Receives(approved.New(approval{OrderID: "o1", By: "ann"}))
				e.Step("signal").Returns("go")
				e.Step("invoke").TimesOut()
				e.Step("fetch").Responds(http.StatusOK, "x")
				e.Step("infer").Responds(http.StatusOK, receipt{})
			},
			map[string]string{
				"run": "ran", "event": "ann", "signal": "go", "invoke": "timeout", "fetch": "OK x", "infer": "",
			},
			time.Hour,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := inngesttest.Virtual(t, inngesttest.NoJitter())
			other := otherFunction()
			f := everything(other)
			e.Register(f, other)
			tc.stub(e)
			run := inngesttest.Start(e, f, order{ID: "o1"}).Wait()
			require.Equal(t, tc.want, run.Output(), run.Timeline())
			require.Empty(t, e.Runs(other), "the other function does not run")
			if name != "failure" { // the request of Infer is made again, with pauses
				require.Equal(t, tc.after, e.Elapsed())
			}
		})
	}
}

// Stubs of a step apply in their order, and the step itself after the last.
func TestStubOrder(t *testing.T) {
	t.Parallel()
	loop := inngestkit.OnEvent("loop", ordered, func(ctx context.Context, _ inngestkit.Input[order]) ([]string, error) {
		var all []string
		for range 5 {
			value, err := step.Run(ctx, "poll", func(context.Context) (string, error) { return "real", nil })
			if err != nil {
				return nil, err
			}
			all = append(all, value)
		}
		return all, nil
	})
	e := inngesttest.Virtual(t)
	e.Register(loop)
	e.Step("poll").Index(2).Returns("third")
	e.Step("poll").Returns("first").Once()
	e.Step("poll").Of(checkout).Returns("of another function").Optional()
	e.Step("poll").Returns("second and fourth").Times(2)
	require.Equal(t, []string{"first", "second and fourth", "third", "second and fourth", "real"},
		inngesttest.Start(e, loop, order{}).Wait().Output())
}

// A step takes time: of the engine alone, or of a bubble.
func TestTakes(t *testing.T) {
	t.Parallel()
	test := func(t *testing.T) {
		e := inngesttest.Virtual(t)
		e.Register(checkout)
		e.Step("charge").Takes(5 * time.Second)
		e.Step("ship").Takes(time.Minute).Returns("parcel-2")
		run := inngesttest.Start(e, checkout, order{ID: "o1"})
		require.Equal(t, inngesttest.RunRunning, run.Status())
		e.Advance(5 * time.Second)
		require.Equal(t, `"charge-1"`, string(run.Step("charge").Output))
		require.Equal(t, "shipped o1", run.Wait().Output())
		require.Equal(t, 65*time.Second, e.Elapsed())
	}
	t.Run("virtual", func(t *testing.T) { t.Parallel(); test(t) })
	t.Run("bubble", func(t *testing.T) { t.Parallel(); synctest.Test(t, test) })
}
