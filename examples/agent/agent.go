package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

const (
	// maxRounds bounds how often a run asks the model, and so what a run costs.
	maxRounds = 6
	// approvalTimeout is how long a human has to decide. The run waits without using
	// anything.
	approvalTimeout = 24 * time.Hour
)

const instructions = `You answer questions of customers about their orders.
Look orders up before you say anything about them. If a tool fails, say so.`

// Agent answers questions of customers with a model and tools.
type Agent struct {
	model Model
	tools func(customerID string) []Tool
	desk  Desk
}

// Desk is where humans see the tool calls that need their approval.
type Desk interface {
	// Ask shows an approval. Asking again with the same ID changes nothing.
	Ask(ctx context.Context, approval Approval) error
}

// An Approval is a tool call that waits for a [Decision].
type Approval struct {
	ID        string `json:"id"`
	Tool      string `json:"tool"`
	Arguments string `json:"arguments"`
}

// Answer is the output of a run.
type Answer struct {
	Text   string `json:"text"`
	Rounds int    `json:"rounds"`
}

// Function returns the durable function of the agent.
func (a *Agent) Function() inngestkit.TypedFunction[Question, Answer] {
	return inngestkit.OnEvent("answer-question", questionAsked, a.answer,
		flow.RateLimit(20, time.Hour, flow.Key("event.data.customerId")))
}

// answer asks the model, calls the tools that the model wants, and asks again with their
// results, until the model answers. Each request and each tool call is a step: after a
// crash, the run goes on where it was, and pays for nothing twice.
func (a *Agent) answer(ctx context.Context, in inngestkit.Input[Question]) (Answer, error) {
	tools := a.tools(in.Event.Data.CustomerID)
	chat := []Message{{Role: "system", Content: instructions}, {Role: "user", Content: in.Event.Data.Text}}
	for round := 1; round <= maxRounds; round++ {
		reply, err := a.model.Ask(ctx, fmt.Sprintf("ask-model-%d", round), chat, tools)
		if err != nil {
			return Answer{}, err
		}
		if len(reply.ToolCalls) == 0 {
			return Answer{Text: reply.Content, Rounds: round}, nil
		}
		results, err := a.callTools(ctx, in.InputCtx.RunID, round, tools, reply.ToolCalls)
		if err != nil {
			return Answer{}, err
		}
		chat = append(append(chat, reply), results...)
	}
	return Answer{}, inngestkit.NoRetry(fmt.Errorf("the model has not answered in %d rounds", maxRounds))
}

// callTools calls tools at the same time, and returns their results as messages for the
// model. The branches go on together: newer servers call the function again when all steps
// that run at the same time have ended, also those that wait for a human.
func (a *Agent) callTools(ctx context.Context, runID string, round int, tools []Tool, calls []ToolCall) ([]Message, error) {
	results := make([]Message, len(calls))
	branches := make([]func(context.Context) error, len(calls))
	for i, call := range calls {
		id := fmt.Sprintf("%d.%d", round, i+1) // unlike call.ID it is ours, and unique in the run
		branches[i] = func(ctx context.Context) error {
			text, err := a.callTool(ctx, runID, id, tools, call)
			results[i] = Message{Role: "tool", ToolCallID: call.ID, Content: text}
			return err
		}
	}
	err := step.Parallel(ctx, branches...)
	return results, err
}

// callTool returns what a tool tells the model. What goes wrong is told, too, so that the
// model can correct itself or say so: only an interrupted call is an error.
func (a *Agent) callTool(ctx context.Context, runID, id string, tools []Tool, call ToolCall) (string, error) {
	tool, bound, problem := bind(tools, call)
	if problem != "" {
		return "error: " + problem, nil
	}
	key := runID + "-" + id
	if tool.NeedsApproval {
		decision, err := a.approval(ctx, id, Approval{ID: key, Tool: tool.Name, Arguments: call.Function.Arguments})
		if err != nil {
			return "", err
		}
		if !decision.Approved {
			return "denied by " + decision.By, nil
		}
	}
	result, err := step.Run(ctx, tool.Name+"-"+id, func(ctx context.Context) (string, error) {
		result, err := bound(ctx, key)
		if err == nil { // the app logs errors
			inngestkit.Logger(ctx).Info("tool called",
				"tool", tool.Name, "arguments", call.Function.Arguments, "result", string(result))
		}
		return string(result), err
	})
	if failed, ok := errors.AsType[step.Error](err); ok { // after its retries
		return "error: " + failed.Message, nil
	}
	return result, err
}

// approval asks the desk, and waits for a human to decide. The server waits from the moment
// at which the desk is asked, so that no decision is too early.
func (a *Agent) approval(ctx context.Context, id string, approval Approval) (Decision, error) {
	decision := Decision{By: "the timeout"}
	wait := func(ctx context.Context) error {
		// The ID is ours. Nothing that the model has written belongs in an expression.
		event, err := step.WaitForEvent(ctx, "wait-for-decision-"+id, toolDecided,
			step.If("async.data.approvalId == '"+approval.ID+"'"), step.Timeout(approvalTimeout))
		if errors.Is(err, step.ErrTimeout) {
			return nil
		}
		if err == nil {
			decision = event.Data
		}
		return err
	}
	var asked bool
	err := step.Parallel(ctx, wait, step.Into(&asked, "ask-for-approval-"+id, func(ctx context.Context) (bool, error) {
		inngestkit.Logger(ctx).Info("a human has to decide",
			"approval", approval.ID, "tool", approval.Tool, "arguments", approval.Arguments)
		return true, a.desk.Ask(ctx, approval)
	}))
	return decision, err
}

// bind returns the tool that the model wants with its arguments, or what is wrong with them.
func bind(tools []Tool, call ToolCall) (tool Tool, bound boundTool, problem string) {
	for _, tool := range tools {
		if tool.Name != call.Function.Name {
			continue
		}
		bound, err := tool.bind(call.Function.Arguments)
		if err != nil {
			return tool, nil, err.Error()
		}
		return tool, bound, ""
	}
	return Tool{}, nil, fmt.Sprintf("unknown tool %q", call.Function.Name)
}
