package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/inngest/inngestgo/middleware"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
)

// serverCalls calls a function as the Inngest server does at the start of a run, and prints
// the response.
func serverCalls(app *inngestkit.App, functionID, data string) {
	serverCallsWith(app, functionID, "user.created", data)
}

// serverCallsWith is serverCalls with an event of another name.
func serverCallsWith(app *inngestkit.App, functionID, event, data string) {
	body := `{"event":{"name":"` + event + `","data":` + data + `},"ctx":{"run_id":"run-1"}}`
	response := app.Do(context.Background(), &adapter.Request{
		Method:   "POST",
		Path:     app.Path(),
		RawQuery: "fnId=" + app.ID() + "-" + functionID + "&stepId=step",
		Body:     strings.NewReader(body),
	})
	fmt.Println(response.Status, string(response.Body))
}

// newExampleApp returns an app that logs to standard output, without times.
func newExampleApp(functions ...inngestkit.Function) *inngestkit.App {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "duration" || a.Key == "stack" {
				return slog.Attr{}
			}
			return a
		},
	}))
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true, Logger: logger})
	if err != nil {
		panic(err)
	}
	if err := app.Register(functions...); err != nil {
		panic(err)
	}
	return app
}

type tenant struct{}

// withTenant is middleware that adds the tenant of the event to the context and prints how
// functions end.
var withTenant = inngestkit.Middleware{
	Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
		return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
			events, err := call.Events()
			if err != nil {
				return nil, err
			}
			var data struct {
				Tenant string `json:"tenant"`
			}
			if err := json.Unmarshal(events[0].Data, &data); err != nil {
				return nil, inngestkit.NoRetry(err)
			}
			output, err := next(context.WithValue(ctx, tenant{}, data.Tenant), call)
			switch {
			case errors.Is(err, inngestkit.ErrYielded):
				fmt.Println("there is more to do")
			case err != nil:
				fmt.Println("failed")
			default:
				fmt.Println("finished")
			}
			return output, err
		}
	},
}

func ExampleMiddleware() {
	welcome := inngestkit.OnEvent("welcome", userCreated,
		func(ctx context.Context, _ inngestkit.Input[UserCreated]) (string, error) {
			return fmt.Sprint("welcome to ", ctx.Value(tenant{})), nil
		})
	app := newExampleApp(welcome)
	app.Use(withTenant)
	serverCalls(app, "welcome", `{"tenant":"acme"}`)
	// Output:
	// finished
	// 200 "welcome to acme"
}

// counting is middleware that counts how calls and steps end.
var counting = inngestkit.Middleware{
	Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
		return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
			call.OnEnd(func(outcome inngestkit.Outcome, err error) {
				fmt.Println("call", outcome, err)
			})
			return next(ctx, call)
		}
	},
	Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
		return func(ctx context.Context, step *inngestkit.StepCall) (any, error) {
			step.OnEnd(func(outcome inngestkit.Outcome, err error) {
				fmt.Println("step", step.ID, outcome, err)
			})
			return next(ctx, step)
		}
	},
}

func ExampleFunctionCall_OnEnd() {
	app := newExampleApp(inngestkit.OnEvent("welcome", userCreated,
		func(context.Context, inngestkit.Input[UserCreated]) (string, error) { return "welcome", nil }))
	app.Use(counting)
	serverCalls(app, "welcome", `{}`)
	// Output:
	// call completed <nil>
	// 200 "welcome"
}

func ExampleStepCall_OnEnd() {
	app := newExampleApp(inngestkit.OnEvent("welcome", userCreated,
		func(ctx context.Context, _ inngestkit.Input[UserCreated]) (string, error) {
			return step.Run(ctx, "send-email", func(context.Context) (string, error) {
				return "", inngestkit.NoRetry(errors.New("no such address"))
			})
		}))
	app.Use(counting)
	app.Do(context.Background(), &adapter.Request{
		Method: "POST", Path: app.Path(), RawQuery: "fnId=shop-welcome&stepId=step",
		Body: strings.NewReader(`{"event":{"name":"user.created","data":{}},"ctx":{"run_id":"run-1"}}`),
	})
	// Output:
	// level=WARN msg="inngest: step failed" function=welcome run_id=run-1 attempt=0 step=send-email error="no such address"
	// step send-email non_retriable no such address
	// call yielded <nil>
}

// Middleware of one function sees every call of a run: the first ends with the step, the
// second with the function.
func ExampleUse() {
	welcome := inngestkit.OnEvent("welcome", userCreated,
		func(ctx context.Context, _ inngestkit.Input[UserCreated]) (string, error) {
			return step.Run(ctx, "send-email", func(ctx context.Context) (string, error) {
				return fmt.Sprint("sent by ", ctx.Value(tenant{})), nil
			})
		}, inngestkit.Use(withTenant))
	fmt.Println(newExampleApp(welcome).FunctionIDs())
	// Output: [welcome]
}

func ExampleLogging() {
	app := newExampleApp(inngestkit.OnEvent("welcome", userCreated, (&Users{}).hello))
	app.Use(inngestkit.Logging(slog.LevelInfo))
	serverCalls(app, "welcome", `{"userId":"u1"}`)
	// Output:
	// level=INFO msg="inngest: function started" function=welcome run_id=run-1 attempt=0
	// level=INFO msg="inngest: function finished" function=welcome run_id=run-1 attempt=0
	// 200 "hello u1"
}

func (u *Users) hello(_ context.Context, in inngestkit.Input[UserCreated]) (string, error) {
	return "hello " + in.Event.Data.UserID, nil
}

// Each line is logged once per run, however often the function is called.
func ExampleLogger() {
	app := newExampleApp(inngestkit.OnEvent("welcome", userCreated,
		func(ctx context.Context, in inngestkit.Input[UserCreated]) (string, error) {
			log := inngestkit.Logger(ctx).With("user", in.Event.Data.UserID)
			log.Info("saying hello")
			return "hello", nil
		}))
	serverCalls(app, "welcome", `{"userId":"u1"}`)
	// Output:
	// level=INFO msg="saying hello" function=welcome run_id=run-1 attempt=0 user=u1
	// 200 "hello"
}

func ExampleRecover() {
	app := newExampleApp(inngestkit.OnEvent("welcome", userCreated,
		func(context.Context, inngestkit.Input[UserCreated]) (string, error) { panic("no template") }))
	app.Use(inngestkit.Recover(func(_ context.Context, panicked *inngestkit.PanicError) {
		fmt.Println("to the error tracker:", panicked.Where, panicked.Value, len(panicked.Stack) > 0)
	}))
	serverCalls(app, "welcome", `{"userId":"u1"}`)
	// Output:
	// level=ERROR msg="inngest: function welcome panicked" function=welcome run_id=run-1 attempt=0 panic="no template"
	// to the error tracker: function welcome no template true
	// level=ERROR msg="inngest: function failed" function=welcome run_id=run-1 attempt=0 no_retry=false error="function welcome panicked: no template"
	// 500 {"name":"Error","message":"function welcome panicked: no template"}
}

// sdkAudit is middleware that was written for the SDK.
type sdkAudit struct{ middleware.BaseMiddleware }

func (*sdkAudit) TransformInput(_ context.Context, call middleware.CallContext, input *middleware.TransformableInput) {
	fmt.Println("run", call.RunID, "for", input.Event.Data["userId"])
}

func ExampleSDKMiddleware() {
	app := newExampleApp(inngestkit.OnEvent("welcome", userCreated, (&Users{}).hello))
	app.Use(inngestkit.SDKMiddleware(func() middleware.Middleware { return &sdkAudit{} }))
	serverCalls(app, "welcome", `{"userId":"u1"}`)
	// Output:
	// run run-1 for u1
	// 200 "hello u1"
}
