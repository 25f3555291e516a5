package inngestkit

import (
	"context"
	"crypto/sha1" // the protocol names steps by their SHA-1
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/connect"
	sdkerrors "github.com/inngest/inngestgo/errors"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/internal/drain"
	"github.com/inngestkit/inngestkit/core/internal/sdkconnect"
	"github.com/inngestkit/inngestkit/core/internal/signing"
)

type invoked struct {
	ID     string `json:"id"`
	Number int64  `json:"number"`
}

// connectCall is a call that arrives over a connection.
type connectCall struct {
	Steps       string // JSON
	Attempt     int
	MaxAttempts int
	StepID      string
	UseAPI      bool
	Data        string // JSON
}

func (c connectCall) body() string {
	steps, data := firstOf(c.Steps, "{}"), firstOf(c.Data, `{"id":"u1"}`)
	event := fmt.Sprintf(`{"id":"e1","name":"e","data":%s,"ts":1700000000000}`, data)
	return fmt.Sprintf(`{"event":%s,"events":[%s],"steps":%s,"use_api":%v,"ctx":{"run_id":"r1","attempt":%d,"max_attempts":%d,
		"fn_id":"6a1e4d3b-4d2c-4f0e-9a55-0c6a2c5d1f10","step_id":"step","stack":{"stack":[],"current":0}}}`,
		event, event, steps, c.UseAPI, c.Attempt, max(c.MaxAttempts, 4))
}

// invoke calls a function as the SDK does when a call arrives over a connection. It
// returns the operations in the JSON that the SDK sends.
func invoke(t *testing.T, c connectCall, handler func(context.Context, Input[invoked]) (any, error)) (result, ops string, err error) {
	t.Helper()
	s := newTestServer(t, OnEvent("fn", DefineEvent[invoked]("e"), handler))
	return invokeWith(t, s, c)
}

func invokeWith(t *testing.T, s *testServer, c connectCall) (result, ops string, err error) {
	t.Helper()
	return invokeBy(t, connect.FunctionInvoker.InvokeFunction, sdkconnect.Invoker(s.connector), c)
}

// invokeBy infers the type of a request, which has no name outside the SDK.
func invokeBy[R, O any](
	t *testing.T, invoke func(connect.FunctionInvoker, context.Context, string, *string, R) (any, []O, error),
	invoker connect.FunctionInvoker, c connectCall,
) (result, ops string, err error) {
	t.Helper()
	var request R
	require.NoError(t, json.Unmarshal([]byte(c.body()), &request))
	var stepID *string
	if c.StepID != "" {
		stepID = &c.StepID
	}
	value, list, err := invoke(invoker, t.Context(), "app-fn", stepID, request)
	encoded, encodeErr := json.Marshal(value)
	require.NoError(t, encodeErr)
	if len(list) > 0 {
		encodedOps, encodeErr := json.Marshal(list)
		require.NoError(t, encodeErr)
		ops = string(encodedOps)
	}
	return string(encoded), ops, err
}

func stepHash(id string) string {
	sum := sha1.Sum([]byte(id))
	return hex.EncodeToString(sum[:])
}

func runStep(ctx context.Context, id string, result string, err error) (string, error) {
	return sdkstep.Run(ctx, id, func(context.Context) (string, error) { return result, err })
}

func TestConnectedFunctionReturns(t *testing.T) {
	t.Parallel()
	result, ops, err := invoke(t, connectCall{Data: `{"id":"<u&1>","number":9007199254740993}`, Attempt: 2},
		func(_ context.Context, in Input[invoked]) (any, error) {
			return []any{in.Event.Data, len(in.Events), in.InputCtx.RunID, in.InputCtx.Attempt}, nil
		})
	require.NoError(t, err)
	require.Empty(t, ops)
	require.JSONEq(t, `[{"id":"<u&1>","number":9007199254740993},1,"r1",2]`, result)
	require.Contains(t, result, "9007199254740993", "no digit is lost")
}

func TestConnectedFunctionHasTheIDsOfTheRequest(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, OnEvent("fn", DefineEvent[invoked]("e"), func(_ context.Context, in Input[invoked]) (any, error) {
		return []string{in.InputCtx.RequestID, in.InputCtx.JobID}, nil
	}))
	var request any
	s.connector.app.Use(Middleware{Function: func(next FunctionHandler) FunctionHandler {
		return func(ctx context.Context, call *FunctionCall) (any, error) {
			request = call.Request
			return next(ctx, call)
		}
	}})
	resp := s.connector.Call("app-fn", anyStep, http.Header{headerRequestID: {"req"}, headerJobID: {"job"}}, []byte(connectCall{}.body()))
	require.JSONEq(t, `["req","job"]`, string(resp.Body))
	require.Nil(t, request, "no HTTP request brought the call")
}

// Operations are the same as over HTTP.
func TestConnectedFunctionYields(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]func(context.Context, Input[invoked]) (any, error){
		"step": func(ctx context.Context, _ Input[invoked]) (any, error) { return runStep(ctx, "one", "1", nil) },
		"sleep": func(ctx context.Context, _ Input[invoked]) (any, error) {
			sdkstep.Sleep(ctx, "nap", time.Hour)
			return nil, nil
		},
		"wait for an event": func(ctx context.Context, _ Input[invoked]) (any, error) {
			return sdkstep.WaitForEvent[inngestgo.GenericEvent[invoked]](ctx, "wait", sdkstep.WaitForEventOpts{
				Event: "x", Timeout: time.Hour, If: new("async.data.id == event.data.id"),
			})
		},
		"invoke, with many digits": func(ctx context.Context, _ Input[invoked]) (any, error) {
			return sdkstep.Invoke[string](ctx, "invoke", sdkstep.InvokeOpts{
				FunctionId: "app-other", Data: map[string]any{"n": int64(9007199254740993), "f": 1.5},
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, ops, err := invoke(t, connectCall{}, handler)
			require.NoError(t, err)
			require.NotEmpty(t, ops)

			s := newTestServer(t, OnEvent("fn", DefineEvent[invoked]("e"), handler))
			resp := s.connector.app.Do(t.Context(), &adapter.Request{
				Method: http.MethodPost, RawQuery: "fnId=app-fn", Header: http.Header{}, Body: strings.NewReader(connectCall{}.body()),
			})
			require.Equal(t, http.StatusPartialContent, resp.Status)
			require.Equal(t, withoutTiming(t, string(resp.Body)), withoutTiming(t, ops))
		})
	}
}

// withoutTiming returns operations without their timing, with all digits of numbers.
func withoutTiming(t *testing.T, ops string) []map[string]any {
	t.Helper()
	var all []map[string]any
	decoder := json.NewDecoder(strings.NewReader(ops))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&all))
	for _, op := range all {
		delete(op, "timing")
	}
	return all
}

func TestConnectedStepFails(t *testing.T) {
	t.Parallel()
	failing := func(stepErr error) func(context.Context, Input[invoked]) (any, error) {
		return func(ctx context.Context, _ Input[invoked]) (any, error) {
			if _, err := runStep(ctx, "one", "", stepErr); err != nil {
				return "had " + err.Error(), nil //nolint:nilerr // the function handles it
			}
			return "done", nil
		}
	}
	at := time.Now().Add(time.Hour).Truncate(time.Second)
	for _, tc := range []struct {
		name    string
		call    connectCall
		err     error
		op      string
		noRetry bool
		at      *time.Time
	}{
		{"once", connectCall{}, errors.New("flaky"), "StepError", false, nil},
		{"until later", connectCall{}, inngestgo.RetryAtError(errors.New("flaky"), at), "StepError", false, &at},
		{"for good", connectCall{}, inngestgo.NoRetryError(errors.New("flaky")), "StepFailed", false, nil},
		{"too often", connectCall{Attempt: 3, MaxAttempts: 4}, errors.New("flaky"), "StepFailed", false, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, ops, err := invoke(t, tc.call, failing(tc.err))
			require.Equal(t, tc.op, withoutTiming(t, ops)[0]["op"])
			if tc.op == "StepFailed" {
				require.NoError(t, err, "hazard 29: the function is to go on, with the error in hand")
				return
			}
			require.Error(t, err)
			require.Equal(t, tc.noRetry, sdkerrors.IsNoRetryError(err))
			if tc.at != nil {
				require.WithinDuration(t, *tc.at, *sdkerrors.GetRetryAtTime(err), time.Second)
			}
		})
	}
	t.Run("and the function goes on", func(t *testing.T) {
		t.Parallel()
		// Hazard 3: an error that the server has made, without data.
		steps := fmt.Sprintf(`{%q:{"error":{"name":"E","message":"too large"}}}`, stepHash("one"))
		result, _, err := invoke(t, connectCall{Steps: steps}, failing(nil))
		require.NoError(t, err)
		require.JSONEq(t, `"had too large"`, result)
	})
}

func TestConnectedFunctionFails(t *testing.T) {
	t.Parallel()
	at := time.Now().Add(time.Hour).Truncate(time.Second)
	nothing := func(err error) func(context.Context, Input[invoked]) (any, error) {
		return func(context.Context, Input[invoked]) (any, error) { return nil, err }
	}
	for _, tc := range []struct {
		name    string
		call    connectCall
		handler func(context.Context, Input[invoked]) (any, error)
		message string
		noRetry bool
		at      *time.Time
	}{
		{"once", connectCall{}, nothing(errors.New("flaky")), "flaky", false, nil},
		{"for good", connectCall{}, nothing(inngestgo.NoRetryError(errors.New("flaky"))), "flaky", true, nil},
		{"until later", connectCall{}, nothing(inngestgo.RetryAtError(errors.New("flaky"), at)), "flaky", false, &at},
		{"with a panic", connectCall{}, func(context.Context, Input[invoked]) (any, error) { panic("boom") }, "function fn panicked: boom", false, nil},
		{"with an event that does not fit", connectCall{Data: `{"id":5}`}, nothing(nil), "does not fit", true, nil},
		// Hazard 1: to the SDK, this is a completed run.
		{"with a done context", connectCall{}, func(ctx context.Context, _ Input[invoked]) (any, error) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return runStep(ctx, "one", "1", nil)
		}, "the call ended before the function", false, nil},
		{"without the step that was requested", connectCall{StepID: stepHash("gone")}, func(ctx context.Context, _ Input[invoked]) (any, error) {
			return runStep(ctx, "one", "1", nil)
		}, "no longer has the step", false, nil},
		{"without the run's state", connectCall{UseAPI: true}, nothing(nil), "no API here", false, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			result, ops, err := invoke(t, tc.call, tc.handler)
			require.ErrorContains(t, err, tc.message)
			require.NotContains(t, err.Error(), "goroutine", "no stack")
			require.Empty(t, ops)
			require.Equal(t, "null", result)
			require.Equal(t, tc.noRetry, sdkerrors.IsNoRetryError(err))
			if tc.at != nil {
				require.WithinDuration(t, *tc.at, *sdkerrors.GetRetryAtTime(err), time.Second)
			} else {
				require.Nil(t, sdkerrors.GetRetryAtTime(err))
			}
		})
	}
	t.Run("that is not there", func(t *testing.T) {
		t.Parallel()
		s := newTestServer(t)
		_, _, err := invokeWith(t, s, connectCall{})
		require.ErrorContains(t, err, `function "app-fn" is not registered`)
	})
}

// A panic in a call does not end the process: the SDK does not recover it.
func TestConnectedCallPanics(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, OnEvent("fn", DefineEvent[invoked]("e"), func(context.Context, Input[invoked]) (any, error) { return nil, nil }))
	s.connector.app.registry.Load().byID["app-fn"].app = nil
	resp := s.connector.Call("app-fn", anyStep, nil, []byte(connectCall{}.body()))
	require.Equal(t, http.StatusInternalServerError, resp.Status)
	require.Equal(t, 1, s.log.count("request panicked"))
	<-s.connector.gate.Close() // the call has left
}

// A function that ends its goroutine, as FailNow of a test does, gets an error reply and
// does not end the SDK's worker.
func TestConnectedCallEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	exit := func(context.Context) (string, error) {
		runtime.Goexit()
		return "", nil
	}
	for name, handler := range map[string]func(context.Context, Input[invoked]) (any, error){
		"in the function": func(ctx context.Context, _ Input[invoked]) (any, error) { return exit(ctx) },
		"in a step": func(ctx context.Context, _ Input[invoked]) (any, error) {
			return sdkstep.Run(ctx, "one", exit)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestServer(t, OnEvent("fn", DefineEvent[invoked]("e"), handler))
			_, ops, err := invokeWith(t, s, connectCall{})
			require.ErrorContains(t, err, "runtime.Goexit")
			require.False(t, sdkerrors.IsNoRetryError(err))
			require.Empty(t, ops)
			require.Equal(t, 1, s.log.count("runtime.Goexit"))
			<-s.connector.gate.Close() // the call has left
			<-s.connector.app.gate.Close()
		})
	}
}

// MaxInFlight also limits calls over a connection.
func TestConnectedCallsWaitForAPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(t, OnEvent("fn", DefineEvent[invoked]("e"), func(context.Context, Input[invoked]) (any, error) { return nil, nil }))
		s.connector.app.gate = drain.NewGate(1)
		require.NoError(t, s.connector.app.gate.EnterCall(t.Context()))
		replied := make(chan sdkconnect.Response, 1)
		go func() { replied <- s.connector.Call("app-fn", anyStep, nil, []byte(connectCall{}.body())) }()
		synctest.Wait()
		require.Empty(t, replied)
		s.connector.app.gate.LeaveCall()
		require.Equal(t, http.StatusOK, (<-replied).Status)
	})
}

// A call that is waiting for a place when the app shuts down is held, like one that
// arrives later.
func TestConnectedCallsThatWaitAreHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(t, OnEvent("fn", DefineEvent[invoked]("e"), func(context.Context, Input[invoked]) (any, error) { return nil, nil }))
		s.connector.app.gate = drain.NewGate(1)
		require.NoError(t, s.connector.app.gate.EnterCall(t.Context()))
		replied := make(chan sdkconnect.Response, 1)
		go func() { replied <- s.connector.Call("app-fn", anyStep, nil, []byte(connectCall{}.body())) }()
		synctest.Wait()
		s.connector.app.gate.Close()
		synctest.Wait()
		require.Empty(t, replied)
		s.connector.app.gate.LeaveCall()
		s.connector.drain()
		require.Equal(t, http.StatusServiceUnavailable, (<-replied).Status)
	})
}

// The connection is configured like the app, and announces its functions.
func TestConnectOptions(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, OnEvent("fn", DefineEvent[invoked]("e"), func(context.Context, Input[invoked]) (any, error) { return nil, nil }, Name("Name")))
	config := s.connector.app.config
	config.AppVersion = "v7"
	config.MaxInFlight = 7
	fn := s.connector.app.registry.Load().byID["app-fn"]
	require.Equal(t, sdkconnect.Options{
		AppID: "app", AppVersion: "v7", Dev: true, APIBaseURL: "http://127.0.0.1:8288",
		Functions:      []sdkconnect.Function{{ID: "app-fn", Name: "Name", Triggers: fn.triggers, Config: fn.config}},
		MaxConcurrency: 7, // the server must not send more calls than may run
		Capabilities:   sdkconnect.Capabilities{Connect: "v1", InBandSync: "v1", TrustProbe: "v1"},
	}, s.connector.options())
	require.Len(t, fn.triggers, 1)

	config.ConnectMaxWorkerConcurrency = 3
	config.ConnectInstanceID = "worker-1"
	config.Platform = "railway"
	config.Env = "branch"
	config.SigningKey = "signkey-test-0123"
	config.SigningKeyFallback = "signkey-test-4567"
	options := s.connector.options()
	require.Equal(t, 3, options.MaxConcurrency)
	require.Equal(t, []string{"worker-1", "railway", "branch"}, []string{options.InstanceID, options.Platform, options.Env})
	require.Equal(t, signing.HashedKey("signkey-test-0123"), options.SigningKey)
	require.Equal(t, signing.HashedKey("signkey-test-4567"), options.SigningKeyFallback)
}
