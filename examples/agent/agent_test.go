package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/examples/agent/internal/fakemodel"
	"github.com/inngestkit/inngestkit/inngesttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const customer = "customer-7"

func newTestShop() *Shop {
	return NewShop(Order{ID: "1042", CustomerID: customer, Item: "teapot", Cents: 4900},
		Order{ID: "9000", CustomerID: "somebody-else", Item: "kettle", Cents: 100})
}

// The whole conversation with the fake model, through the program's own routes.
func TestConversation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		approved bool
		want     string
	}{
		"approved": {true, fakemodel.Refunded},
		"denied":   {false, fakemodel.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := &fakemodel.Model{Key: "sk-test", Logger: newLogger(t.Output())}
			server := httptest.NewServer(fake)
			defer server.Close()
			shop := newTestShop()
			app, routes, err := newApp(inngestkit.Config{AppID: "agent", Dev: true, Logger: newLogger(t.Output())},
				Model{BaseURL: server.URL, Key: "sk-test"}, shop)
			require.NoError(t, err)

			e := inngesttest.Virtual(t, inngesttest.AllowNetwork())
			e.Serve(app, inngesttest.Through(routes, "/api/inngest"))
			e.Send(questionAsked.New(Question{CustomerID: customer, Text: fakemodel.Question}))
			run := e.Runs(nil)[0].Reach("ask-for-approval-2.1")
			e.Advance(3 * time.Hour)
			e.Send(toolDecided.New(Decision{ApprovalID: run.ID() + "-2.1", Approved: test.approved, By: "ann"}))
			var answer Answer
			require.NoError(t, json.Unmarshal(run.Wait().OutputJSON(), &answer))
			require.Equal(t, Answer{Text: test.want, Rounds: 3}, answer)
			require.Equal(t, test.approved, shop.orders["1042"].Refunded)
			require.Equal(t, 4, fake.Requests(), "three rounds, one of them twice")
			require.Equal(t, 2, run.Step("ask-model-2").Attempts, "the model was busy")
			require.Equal(t, 1, run.Step("find_order-1.1").Attempts, "what the model has asked for is not repeated")
		})
	}
}

// calls returns the response of a model that asks for tools, by name and arguments.
func calls(pairs ...string) any {
	message := Message{Role: "assistant"}
	for i := 0; i < len(pairs); i += 2 {
		call := ToolCall{ID: "same", Type: "function"} // models are not careful about IDs
		call.Function.Name, call.Function.Arguments = pairs[i], pairs[i+1]
		message.ToolCalls = append(message.ToolCalls, call)
	}
	return response(message)
}

func response(message Message) any {
	return map[string]any{"choices": []any{map[string]any{"message": message}}}
}

// newRun starts a run in which the model first asks for tools.
func newRun(t *testing.T, shop *Shop, first any) (*inngesttest.Engine, *inngesttest.TypedRun[Answer]) {
	t.Helper()
	e := inngesttest.Virtual(t)
	agent := &Agent{model: Model{BaseURL: "https://models.test"}, tools: shop.Tools, desk: &memoryDesk{}}
	function := agent.Function()
	e.Register(function)
	e.Step("ask-model-1").Responds(200, first)
	return e, inngesttest.Start(e, function, Question{CustomerID: customer, Text: "?"})
}

// results returns what the tools have told the model in the first round.
func results(t *testing.T, e *inngesttest.Engine, run *inngesttest.TypedRun[Answer]) []string {
	t.Helper()
	var texts []string
	e.Step("ask-model-2").Does(func(_ context.Context, in inngesttest.StepInput) (any, error) {
		var request chatRequest
		if err := json.NewDecoder(in.Request.Body).Decode(&request); err != nil {
			return nil, err
		}
		for _, message := range request.Messages {
			if message.Role == "tool" {
				texts = append(texts, message.Content)
			}
		}
		return response(Message{Role: "assistant", Content: "done"}), nil
	})
	require.Equal(t, "done", run.Wait().Output().Text)
	return texts
}

// What goes wrong with a tool is told to the model, and does not end the run.
func TestToolErrorsGoToTheModel(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ tool, arguments, want string }{
		"unknown tool":      {"drop_tables", `{}`, `error: unknown tool "drop_tables"`},
		"no JSON":           {"find_order", `order 1042`, "error: arguments of find_order: invalid character"},
		"missing argument":  {"find_order", `{}`, "error: arguments of find_order: "},
		"invented argument": {"find_order", `{"orderId":"1042","limit":1}`, "error: arguments of find_order: "},
		"wrong type":        {"find_order", `{"orderId":1042}`, "error: arguments of find_order: "},
		"not found":         {"find_order", `{"orderId":"1"}`, `error: you have no order "1"`},
		"of somebody else":  {"find_order", `{"orderId":"9000"}`, `error: you have no order "9000"`},
		"found":             {"find_order", `{"orderId":"1042"}`, `{"orderId":"1042","item":"teapot","cents":4900,"refunded":false}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, run := newRun(t, newTestShop(), calls(test.tool, test.arguments))
			got := results(t, e, run)
			require.Len(t, got, 1)
			require.Contains(t, got[0], test.want)
		})
	}
}

// A tool that fails for a while is retried, and the model does not learn of it. A tool that
// stays down is an error that the model can tell the customer.
func TestToolIsRetried(t *testing.T) {
	t.Parallel()
	down := errors.New("the database is down")
	e, run := newRun(t, newTestShop(), calls("find_order", `{"orderId":"1042"}`, "find_order", `{"orderId":"1042"}`))
	e.Step("find_order-1.1").Fails(down).Times(2)
	e.Step("find_order-1.2").Fails(down)
	got := results(t, e, run)
	require.Contains(t, got[0], "teapot")
	require.Equal(t, "error: the database is down", got[1])
	require.Equal(t, 3, run.Step("find_order-1.1").Attempts)
	require.Equal(t, 5, run.Step("find_order-1.2").Attempts)
}

// Each dangerous call has its own approval, also if the model asks for two at once, and
// nobody's decision counts for another.
func TestApprovals(t *testing.T) {
	t.Parallel()
	const half = `{"orderId":"1042","cents":2000,"reason":"broken"}`
	shop := newTestShop()
	e, run := newRun(t, shop, calls("refund_order", half, "refund_order", half))
	run.Reach("ask-for-approval-1.2")
	e.Send(toolDecided.New(Decision{ApprovalID: "another-run-1.1", Approved: true}))
	e.Settle()
	require.False(t, shop.orders["1042"].Refunded)
	e.Send(toolDecided.New(Decision{ApprovalID: run.ID() + "-1.2", Approved: true, By: "ann"}))
	got := results(t, e, run) // nobody decides about the first
	require.Equal(t, "denied by the timeout", got[0])
	require.Contains(t, got[1], `"refunded":true`)
	require.GreaterOrEqual(t, e.Elapsed(), approvalTimeout)
}

// A model that never answers does not cost more than maxRounds.
func TestRoundsAreBounded(t *testing.T) {
	t.Parallel()
	again := calls("find_order", `{"orderId":"1042"}`)
	e, run := newRun(t, newTestShop(), again)
	for _, id := range []string{"ask-model-2", "ask-model-3", "ask-model-4", "ask-model-5", "ask-model-6"} {
		e.Step(id).Responds(200, again)
	}
	require.Equal(t, inngesttest.RunFailed, run.Wait().Status())
	require.ErrorContains(t, run.Err(), "the model has not answered in 6 rounds")
}

// A model that stays down fails the run.
func TestModelIsDown(t *testing.T) {
	t.Parallel()
	e := inngesttest.Virtual(t)
	function := (&Agent{model: Model{BaseURL: "https://models.test"}, tools: newTestShop().Tools, desk: &memoryDesk{}}).Function()
	e.Register(function)
	e.Step("ask-model-1").Responds(503, "down")
	run := inngesttest.Start(e, function, Question{CustomerID: customer}).Wait()
	require.ErrorContains(t, run.Err(), "asking the model")
	require.Equal(t, 5, run.Step("ask-model-1").Attempts)
}

// A refund that is repeated, because its step was, happens once.
func TestRefundHappensOnce(t *testing.T) {
	t.Parallel()
	shop := newTestShop()
	args := refundOrder{OrderID: "1042", Cents: 4900}
	first, err := shop.refund(customer, "key", args)
	require.NoError(t, err)
	again, err := shop.refund(customer, "key", args)
	require.NoError(t, err)
	require.Equal(t, first, again)
	_, err = shop.refund(customer, "another key", args)
	require.ErrorContains(t, err, "cannot refund")
}
