package parity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// The functions that programs need: one that they invoke, and one that answers their waits.
const (
	target   = "generated-target"
	answerer = "generated-answerer"
)

var (
	asking    = inngestkit.DefineEvent[Data](answerer)
	answering = inngestkit.DefineEvent[Data]("generated-answer")
)

// helpers defines these functions.
func helpers() []inngestkit.Function {
	return []inngestkit.Function{
		inngestkit.OnEvent(target, inngestkit.DefineEvent[Data](target), func(ctx context.Context, in In) (any, error) {
			if in.Event.Data.Plan != "" {
				return nil, inngestkit.NoRetry(errors.New(in.Event.Data.Plan))
			}
			if _, err := done(ctx, "one"); err != nil {
				return nil, err
			}
			return map[string]any{"got": in.Event.Data.ID}, nil
		}),
		// By the time that the answer is sent, the run waits for it.
		inngestkit.OnEvent(answerer, asking, func(ctx context.Context, in In) (any, error) {
			Sleep(ctx, "nap", answerAfter)
			return step.SendEvent(ctx, "answer", answering.New(in.Event.Data))
		}),
	}
}

// answerAfter is the time between the steps that ask for an answer and the answer. On a busy
// server, the run must have begun to wait by then.
const answerAfter = 3 * time.Second

// function defines the function that runs a program. It returns a log of what it has seen.
func (p program) function(probe *Probe) inngestkit.Function {
	options := []inngestkit.Option{flow.Retries(p.retries)}
	if p.checkpoint > 0 {
		options = append(options, flow.Checkpoint(flow.BatchSteps(p.checkpoint)))
	}
	return On(probe, "", func(ctx context.Context, _ In) ([]string, error) {
		in := &interpreter{probe: probe}
		err := in.sequence(ctx, p.body)
		return in.log, err
	}, options...)
}

// An interpreter runs a program, or a branch of one, in one call.
type interpreter struct {
	probe *Probe
	log   []string
}

func (in *interpreter) notef(n node, format string, args ...any) {
	in.log = append(in.log, n.id+" "+fmt.Sprintf(format, args...))
}

func (in *interpreter) sequence(ctx context.Context, nodes []node) error {
	for _, n := range nodes {
		err := in.node(ctx, n)
		if err == nil {
			continue
		}
		in.notef(n, "error %s", firstLine(err.Error()))
		if !n.handled {
			return err
		}
	}
	return nil
}

func (in *interpreter) node(ctx context.Context, n node) error {
	switch n.kind {
	case runs:
		value, err := step.Run(ctx, n.id, func(context.Context) (json.RawMessage, error) { return in.attempt(n, n.id) })
		in.notef(n, "= %s", value)
		return err
	case loops:
		for range 3 {
			if _, err := done(ctx, n.id); err != nil {
				return err
			}
		}
		return nil
	case sleeps:
		Sleep(ctx, n.id, n.sleep)
		return nil
	case awaits:
		return in.wait(ctx, n)
	case calls:
		data := Data{ID: n.id}
		if n.fails > 0 {
			data.Plan = "refused"
		}
		out, err := step.Invoke(ctx, n.id, inngestkit.Ref[Data, any]{FunctionID: target}, data)
		in.notef(n, "= %v", out)
		return err
	case sends:
		ids, err := step.SendEvent(ctx, n.id, inngestkit.DefineEvent[Data]("generated-nothing").New(Data{ID: n.id}))
		in.notef(n, "sent %d", len(ids))
		return err
	case stumbles:
		_, err := in.attempt(n, n.id)
		return err
	case maps:
		return in.mapped(ctx, n)
	case forks:
		return in.parallel(ctx, n)
	default:
		return fmt.Errorf("no such node: %s", n.kind)
	}
}

// attempt fails as often as the node says, and then returns its value.
func (in *interpreter) attempt(n node, part string) (json.RawMessage, error) {
	if in.probe.Add(part) > n.fails {
		return json.RawMessage(values[n.value]), nil
	}
	err := errors.New(part + " fails")
	if n.final {
		return nil, inngestkit.NoRetry(err)
	}
	return nil, err
}

// wait waits for an event that another function sends, or for one that nobody sends.
func (in *interpreter) wait(ctx context.Context, n node) error {
	timeout := time.Second
	id := in.probe.row + " " + n.id
	if n.answered {
		timeout = time.Hour
		if _, err := step.SendEvent(ctx, "ask "+n.id, asking.New(Data{ID: id})); err != nil {
			return err
		}
	}
	answer, err := step.WaitForEvent(ctx, n.id, answering, step.Timeout(timeout), step.If("async.data.id == '"+id+"'"))
	in.notef(n, "got %s", answer.Data.ID)
	return err
}

// mapped runs a step for each of three items. The second fails as the node says.
func (in *interpreter) mapped(ctx context.Context, n node) error {
	out, err := step.Map(ctx, n.id, []int{0, 1, 2}, func(_ context.Context, item int) (int, error) {
		if item != 1 {
			return item * item, nil
		}
		_, err := in.attempt(n, n.id)
		return 1, err
	})
	in.notef(n, "= %v", out)
	return err
}

// parallel runs the branches, each with its own log.
func (in *interpreter) parallel(ctx context.Context, n node) error {
	logs := make([]interpreter, len(n.branches))
	branches := make([]branch, len(n.branches))
	for i, nodes := range n.branches {
		logs[i].probe = in.probe
		branches[i] = func(ctx context.Context) error { return logs[i].sequence(ctx, nodes) }
	}
	err := step.Parallel(ctx, branches...)
	for _, l := range logs {
		in.log = slices.Concat(in.log, l.log)
	}
	return err
}
