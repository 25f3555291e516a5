package inflight

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	sdkerrors "github.com/inngest/inngestgo/errors"
	"github.com/inngest/inngestgo/group"
	"github.com/inngest/inngestgo/pkg/checkpoint"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

type order struct {
	ID    string `json:"id"`
	Total int    `json:"total"`
}

type input = inngestkit.Input[order]

// A handler is a function on either side: the SDK's type of a handler is the same.
type handler func(ctx context.Context, s *site, in input) (any, error)

// A row is one function, written for the SDK and for inngestkit with the same step IDs.
type row struct {
	name   string
	sdk    handler
	native handler
	// drive does what the run waits for. It may be nil.
	drive func(t *testing.T, s *site, eventID string)

	output string         // of the run, as JSON
	counts map[string]int // how often the callbacks of the steps run
	calls  int            // that the run takes at least

	checkpoint bool
}

var errNotYet = errors.New("not yet")

var rows = []row{
	{
		name: "steps",
		sdk: func(ctx context.Context, s *site, in input) (any, error) {
			charged, err := sdkstep.Run(ctx, "charge", s.charge(in))
			if err != nil {
				return nil, err
			}
			if _, err = sdkstep.Run(ctx, "store", s.nothing("store")); err != nil {
				return nil, err
			}
			mailed, err := s.sdk(ctx, "mail")
			return []any{charged, mailed}, err
		},
		native: func(ctx context.Context, s *site, in input) (any, error) {
			charged, err := step.Run(ctx, "charge", s.charge(in))
			if err != nil {
				return nil, err
			}
			if _, err = step.Run(ctx, "store", s.nothing("store")); err != nil {
				return nil, err
			}
			mailed, err := s.native(ctx, "mail")
			return []any{charged, mailed}, err
		},
		output: `[{"id":"o1","total":43},"mail"]`,
		counts: map[string]int{"charge": 1, "store": 1, "mail": 1},
		calls:  4,
	},
	{
		name: "equal-ids",
		sdk: func(ctx context.Context, s *site, _ input) (any, error) {
			var all []int
			for range 3 {
				n, err := sdkstep.Run(ctx, "poll", s.counted("poll"))
				if err != nil {
					return nil, err
				}
				all = append(all, n)
				sdkstep.Sleep(ctx, "pause", time.Millisecond)
			}
			return all, nil
		},
		native: func(ctx context.Context, s *site, _ input) (any, error) {
			var all []int
			for range 3 {
				n, err := step.Run(ctx, "poll", s.counted("poll"))
				if err != nil {
					return nil, err
				}
				all = append(all, n)
				step.Sleep(ctx, "pause", time.Millisecond)
			}
			return all, nil
		},
		output: `[1,2,3]`,
		counts: map[string]int{"poll": 3},
		calls:  7,
	},
	{
		name: "sleep",
		sdk: func(ctx context.Context, s *site, _ input) (any, error) {
			if _, err := s.sdk(ctx, "before"); err != nil {
				return nil, err
			}
			sdkstep.Sleep(ctx, "nap", time.Second)
			return s.sdk(ctx, "after")
		},
		native: func(ctx context.Context, s *site, _ input) (any, error) {
			if _, err := s.native(ctx, "before"); err != nil {
				return nil, err
			}
			step.Sleep(ctx, "nap", time.Second)
			return s.native(ctx, "after")
		},
		output: `"after"`,
		counts: map[string]int{"before": 1, "after": 1},
		calls:  4,
	},
	{
		name: "wait",
		sdk: func(ctx context.Context, s *site, _ input) (any, error) {
			paid, err := sdkstep.WaitForEvent[inngestgo.GenericEvent[order]](ctx, "paid", sdkstep.WaitForEventOpts{
				Event: s.event("paid"), If: new("event.data.id == async.data.id"), Timeout: time.Minute,
			})
			if err != nil {
				return nil, err
			}
			_, err = s.sdk(ctx, "after")
			return paid.Data.Total, err
		},
		native: func(ctx context.Context, s *site, _ input) (any, error) {
			paid, err := step.WaitForEvent(ctx, "paid", s.define("paid"), step.Match("data.id"), step.Timeout(time.Minute))
			if err != nil {
				return nil, err
			}
			_, err = s.native(ctx, "after")
			return paid.Data.Total, err
		},
		drive: func(t *testing.T, s *site, eventID string) {
			t.Helper()
			_, err := s.server.AwaitStep(testsite.Within(t), eventID, "paid")
			require.NoError(t, err)
			testsite.Send(t, s.app, s.define("paid").New(order{ID: "other", Total: 1}))
			testsite.Send(t, s.app, s.define("paid").New(order{ID: "o1", Total: 7}))
		},
		output: `7`,
		counts: map[string]int{"after": 1},
		calls:  3,
	},
	{
		name: "wait-in-vain",
		sdk: func(ctx context.Context, s *site, _ input) (any, error) {
			_, err := sdkstep.WaitForEvent[inngestgo.GenericEvent[order]](ctx, "never", sdkstep.WaitForEventOpts{
				Event: s.event("never"), Timeout: time.Second,
			})
			if !errors.Is(err, sdkstep.ErrEventNotReceived) {
				return nil, err
			}
			return s.sdk(ctx, "remind")
		},
		native: func(ctx context.Context, s *site, _ input) (any, error) {
			_, err := step.WaitForEvent(ctx, "never", s.define("never"), step.Timeout(time.Second))
			if !errors.Is(err, step.ErrTimeout) {
				return nil, err
			}
			return s.native(ctx, "remind")
		},
		output: `"remind"`,
		counts: map[string]int{"remind": 1},
		calls:  3,
	},
	{
		name: "signal",
		sdk: func(ctx context.Context, s *site, _ input) (any, error) {
			got, err := sdkstep.WaitForSignal[order](ctx, "approval", sdkstep.WaitForSignalOpts{
				Signal: s.event("approve"), Timeout: time.Minute,
			})
			if err != nil {
				return nil, err
			}
			_, err = s.sdk(ctx, "after")
			return got.Data.Total, err
		},
		native: func(ctx context.Context, s *site, _ input) (any, error) {
			got, err := step.WaitForSignal[order](ctx, "approval", s.event("approve"), step.Timeout(time.Minute))
			if err != nil {
				return nil, err
			}
			_, err = s.native(ctx, "after")
			return got.Total, err
		},
		drive: func(t *testing.T, s *site, eventID string) {
			t.Helper()
			_, err := s.server.AwaitStep(testsite.Within(t), eventID, "approval")
			require.NoError(t, err)
			require.NoError(t, s.app.SendSignal(testsite.Within(t), s.event("approve"), order{Total: 8}))
		},
		output: `8`,
		counts: map[string]int{"after": 1},
		calls:  3,
	},
	{
		name: "invoke",
		sdk: func(ctx context.Context, s *site, _ input) (any, error) {
			got, err := sdkstep.Invoke[string](ctx, "ship", sdkstep.InvokeOpts{
				FunctionId: s.app.ID() + "-callee", Data: map[string]any{"id": "o2", "total": 1},
			})
			if err != nil {
				return nil, err
			}
			_, err = s.sdk(ctx, "after")
			return got, err
		},
		native: func(ctx context.Context, s *site, _ input) (any, error) {
			got, err := step.Invoke(ctx, "ship", inngestkit.Ref[order, string]{FunctionID: "callee"}, order{ID: "o2", Total: 1})
			if err != nil {
				return nil, err
			}
			_, err = s.native(ctx, "after")
			return got, err
		},
		output: `"callee"`,
		counts: map[string]int{"callee": 1, "after": 1},
		calls:  3,
	},
	{
		name: "invoke-that-fails",
		sdk: func(ctx context.Context, s *site, _ input) (any, error) {
			_, err := sdkstep.Invoke[string](ctx, "ship", sdkstep.InvokeOpts{
				FunctionId: s.app.ID() + "-callee", Data: map[string]any{"total": -1},
			})
			if err == nil {
				return nil, errors.New("the callee has not failed")
			}
			return s.sdk(ctx, "instead")
		},
		native: func(ctx context.Context, s *site, _ input) (any, error) {
			_, err := step.Invoke(ctx, "ship", inngestkit.Ref[order, string]{FunctionID: "callee"}, order{Total: -1})
			if _, ok := errors.AsType[step.Error](err); !ok {
				return nil, errors.New("the callee has not failed")
			}
			return s.native(ctx, "instead")
		},
		output: `"instead"`,
		counts: map[string]int{"instead": 1},
		calls:  3,
	},
	{
		name: "send",
		sdk: func(ctx context.Context, s *site, in input) (any, error) {
			_, err := sdkstep.Send(ctx, "notify", inngestgo.GenericEvent[order]{Name: s.event("callee"), Data: in.Event.Data})
			if err != nil {
				return nil, err
			}
			ids, err := sdkstep.SendMany(ctx, "notify many", []inngestgo.GenericEvent[order]{
				{Name: s.event("ignored"), Data: order{ID: "1"}}, {Name: s.event("ignored"), Data: order{ID: "2"}},
			})
			if err != nil {
				return nil, err
			}
			_, err = s.sdk(ctx, "after")
			return len(ids), err
		},
		native: func(ctx context.Context, s *site, in input) (any, error) {
			_, err := step.Run(ctx, "notify", func(ctx context.Context) (string, error) {
				ids, err := inngestkit.Send(ctx, s.define("callee").New(in.Event.Data))
				return ids[0], err
			})
			if err != nil {
				return nil, err
			}
			ids, err := step.SendEvent(ctx, "notify many", s.define("ignored").New(order{ID: "1"}), s.define("ignored").New(order{ID: "2"}))
			if err != nil {
				return nil, err
			}
			_, err = s.native(ctx, "after")
			return len(ids), err
		},
		drive: func(t *testing.T, s *site, _ string) {
			t.Helper()
			s.counter.Await(t, "callee")
		},
		output: `2`,
		counts: map[string]int{"callee": 1, "after": 1},
		calls:  4,
	},
	{
		name: "fetch",
		sdk: func(ctx context.Context, s *site, _ input) (any, error) {
			got, err := sdkstep.Fetch[string](ctx, "load", sdkstep.FetchOpts{URL: s.web, Method: http.MethodGet})
			if err != nil {
				return nil, err
			}
			_, err = s.sdk(ctx, "after")
			return got.Body, err
		},
		native: func(ctx context.Context, s *site, _ input) (any, error) {
			got, err := step.Fetch(ctx, "load", step.FetchRequest{URL: s.web})
			if err != nil {
				return nil, err
			}
			_, err = s.native(ctx, "after")
			return got.Body, err
		},
		output: `"{\"id\":\"w1\",\"total\":9}"`,
		counts: map[string]int{"web": 1, "after": 1},
		calls:  3,
	},
	{
		name: "infer",
		sdk: func(ctx context.Context, s *site, _ input) (any, error) {
			got, err := sdkstep.Infer[order, order](ctx, "ask", sdkstep.InferOpts[order]{
				Opts: sdkstep.InferRequestOpts{URL: s.web, Format: sdkstep.InferFormatOpenAIChat, AuthKey: "sk-test"},
			})
			if err != nil {
				return nil, err
			}
			_, err = s.sdk(ctx, "after")
			return got.Total, err
		},
		native: func(ctx context.Context, s *site, _ input) (any, error) {
			got, err := step.Infer[order](ctx, "ask", step.InferRequest{URL: s.web, AuthKey: "sk-test", Body: order{}})
			if err != nil {
				return nil, err
			}
			_, err = s.native(ctx, "after")
			return got.Total, err
		},
		output: `9`,
		counts: map[string]int{"web": 1, "after": 1},
		calls:  3,
	},
	{
		name: "parallel",
		sdk: func(ctx context.Context, s *site, _ input) (any, error) {
			branch := func(name string) func(ctx context.Context) (any, error) {
				return func(ctx context.Context) (any, error) {
					if _, err := s.sdk(ctx, name); err != nil {
						return nil, err
					}
					return s.sdk(ctx, name+" again")
				}
			}
			if err := group.Parallel(ctx, branch("left"), branch("right")).AnyError(); err != nil {
				return nil, err
			}
			return s.sdk(ctx, "after")
		},
		native: func(ctx context.Context, s *site, _ input) (any, error) {
			branch := func(name string) func(ctx context.Context) error {
				return func(ctx context.Context) error {
					if _, err := s.native(ctx, name); err != nil {
						return err
					}
					_, err := s.native(ctx, name+" again")
					return err
				}
			}
			if err := step.Parallel(ctx, branch("left"), branch("right")); err != nil {
				return nil, err
			}
			return s.native(ctx, "after")
		},
		output: `"after"`,
		counts: map[string]int{"left": 1, "left again": 1, "right": 1, "right again": 1, "after": 1},
		calls:  7,
	},
	{
		name: "parallel-with-equal-ids",
		sdk: func(ctx context.Context, s *site, _ input) (any, error) {
			item := func(n int) func(ctx context.Context) (any, error) {
				return func(ctx context.Context) (any, error) { return sdkstep.Run(ctx, "item", s.item(n)) }
			}
			var all []any
			for _, result := range group.Parallel(ctx, item(1), item(2), item(3)) {
				if result.Error != nil {
					return nil, result.Error
				}
				all = append(all, result.Value)
			}
			_, err := s.sdk(ctx, "after")
			return all, err
		},
		native: func(ctx context.Context, s *site, _ input) (any, error) {
			all, err := step.Map(ctx, "item", []int{1, 2, 3}, func(ctx context.Context, n int) (int, error) {
				return s.item(n)(ctx)
			})
			if err != nil {
				return nil, err
			}
			_, err = s.native(ctx, "after")
			return all, err
		},
		output: `[10,20,30]`,
		counts: map[string]int{"item 1": 1, "item 2": 1, "item 3": 1, "after": 1},
		calls:  6,
	},
	{
		name: "step-that-is-retried",
		sdk: func(ctx context.Context, s *site, _ input) (any, error) {
			if _, err := s.sdk(ctx, "before"); err != nil {
				return nil, err
			}
			if _, err := sdkstep.Run(ctx, "flaky", s.flaky("flaky")); err != nil {
				return nil, err
			}
			return s.sdk(ctx, "after")
		},
		native: func(ctx context.Context, s *site, _ input) (any, error) {
			if _, err := s.native(ctx, "before"); err != nil {
				return nil, err
			}
			if _, err := step.Run(ctx, "flaky", s.flaky("flaky")); err != nil {
				return nil, err
			}
			return s.native(ctx, "after")
		},
		output: `"after"`,
		counts: map[string]int{"before": 1, "flaky": 3, "after": 1},
		calls:  6,
	},
	{
		name: "step-that-fails",
		sdk: func(ctx context.Context, s *site, _ input) (any, error) {
			_, err := sdkstep.Run(ctx, "declined", func(context.Context) (order, error) {
				s.counter.Add("declined")
				return order{ID: "partial"}, inngestgo.NoRetryError(errors.New("no money"))
			})
			if !sdkerrors.IsStepError(err) {
				return nil, err
			}
			_, stepErr := s.sdk(ctx, "apologize")
			return err.Error(), stepErr
		},
		native: func(ctx context.Context, s *site, _ input) (any, error) {
			_, err := step.Run(ctx, "declined", func(context.Context) (order, error) {
				s.counter.Add("declined")
				return order{ID: "partial"}, inngestkit.NoRetry(errors.New("no money"))
			})
			if _, ok := errors.AsType[step.Error](err); !ok {
				return nil, err
			}
			_, stepErr := s.native(ctx, "apologize")
			return err.Error(), stepErr
		},
		output: `"no money"`,
		counts: map[string]int{"declined": 1, "apologize": 1},
		calls:  3,
	},
	{
		name: "function-that-is-retried",
		sdk: func(ctx context.Context, s *site, _ input) (any, error) {
			if _, err := s.sdk(ctx, "before"); err != nil {
				return nil, err
			}
			if s.counter.Add("end") < 3 {
				return nil, errNotYet
			}
			return "saved", nil
		},
		native: func(ctx context.Context, s *site, _ input) (any, error) {
			if _, err := s.native(ctx, "before"); err != nil {
				return nil, err
			}
			if s.counter.Add("end") < 3 {
				return nil, errNotYet
			}
			return "saved", nil
		},
		output: `"saved"`,
		counts: map[string]int{"before": 1, "end": 3},
		calls:  4,
	},
	{
		name: "checkpoints",
		sdk: func(ctx context.Context, s *site, _ input) (any, error) {
			for _, id := range []string{"one", "two"} {
				if _, err := s.sdk(ctx, id); err != nil {
					return nil, err
				}
			}
			sdkstep.Sleep(ctx, "nap", time.Second)
			if _, err := s.sdk(ctx, "three"); err != nil {
				return nil, err
			}
			return s.sdk(ctx, "four")
		},
		native: func(ctx context.Context, s *site, _ input) (any, error) {
			for _, id := range []string{"one", "two"} {
				if _, err := s.native(ctx, id); err != nil {
					return nil, err
				}
			}
			step.Sleep(ctx, "nap", time.Second)
			if _, err := s.native(ctx, "three"); err != nil {
				return nil, err
			}
			return s.native(ctx, "four")
		},
		output:     `"four"`,
		counts:     map[string]int{"one": 1, "two": 1, "three": 1, "four": 1},
		calls:      2,
		checkpoint: true,
	},
}

// callee is the function that others invoke, or start with an event.
var callee = row{
	name: "callee",
	sdk: func(ctx context.Context, s *site, in input) (any, error) {
		if in.Event.Data.Total < 0 {
			return nil, inngestgo.NoRetryError(errors.New("less than nothing"))
		}
		return s.sdk(ctx, "callee")
	},
	native: func(ctx context.Context, s *site, in input) (any, error) {
		if in.Event.Data.Total < 0 {
			return nil, inngestkit.NoRetry(errors.New("less than nothing"))
		}
		return s.native(ctx, "callee")
	},
}

func (r *row) sdkOptions() inngestgo.FunctionOpts {
	options := inngestgo.FunctionOpts{ID: r.name, Retries: new(3)}
	if r.checkpoint {
		options.Checkpoint = &checkpoint.Config{BatchSteps: 1}
	}
	return options
}

func (r *row) options() []inngestkit.Option {
	options := []inngestkit.Option{flow.Retries(3)}
	if r.checkpoint {
		options = append(options, flow.Checkpoint())
	}
	return options
}
