package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// opaque is a type whose JSON is always empty.
type opaque struct{ hidden int }

func returnsNothing[R any](context.Context, input) (result R, err error) { return result, nil }

// mute encodes itself but cannot be decoded.
type mute struct{ N int }

func (mute) MarshalJSON() ([]byte, error) { return []byte(`"a mute"`), nil }

// proud encodes itself with a method of its pointer.
type proud struct{ n int }

func (p *proud) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%d", p.n), nil }
func (p *proud) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &p.n) }

func stepReturning[T any](value T, ran *int) func(context.Context) (any, error) {
	return func(ctx context.Context) (any, error) {
		return step.Run(ctx, "s", func(context.Context) (T, error) { *ran++; return value, nil })
	}
}

// A step whose result cannot be memoized is not run: each retry would repeat its work.
func TestResultTypesThatCannotBeMemoized(t *testing.T) {
	t.Parallel()
	ran := 0
	for _, tc := range []struct {
		name   string
		call   func(context.Context) (any, error)
		reason string
		ran    int
	}{
		{"an error", stepReturning[error](nil, &ran), "of Go type error, could not be kept as JSON: the JSON of an error", 0},
		{"another interface", stepReturning[fmt.Stringer](nil, &ran), "JSON cannot be decoded into the interface fmt.Stringer", 0},
		{"errors", stepReturning([]error{}, &ran), "JSON cannot be decoded into the interface error", 0},
		{"a channel", stepReturning(make(chan int), &ran), "JSON has no chan", 0},
		{"a function", stepReturning(map[string]func(){}, &ran), "JSON has no func", 0},
		{"a complex number", stepReturning([]complex128{1}, &ran), "JSON has no complex128", 0},
		{"a field", stepReturning(struct{ A struct{ B func() } }{}, &ran), "field A: field B: JSON has no func", 0},
		{"a key", stepReturning(map[bool]int{}, &ran), "a key of a JSON object cannot be made of bool", 0},
		{"opaque", stepReturning(opaque{hidden: 1}, &ran), "inngestkit_test.opaque has no exported field", 0},
		{"opaque ones", stepReturning([]*opaque{{}}, &ran), "inngestkit_test.opaque has no exported field", 0},
		{"methods not called", stepReturning(map[string]proud{}, &ran), "the JSON of each inngestkit_test.proud in a map is empty", 0},
		{"what only encodes itself", stepReturning(mute{}, &ran), "does not fit its Go type inngestkit_test.mute", 1},
		{"an interface in a field", stepReturning(struct{ Err error }{errors.New("no")}, &ran), `"Err" is a JSON object where Go has error`, 1},
	} {
		ran = 0
		resp := callFn(t.Context(), t, newKindApp(t, kind{call: tc.call}, nil), signUpEnvelope(user{}))
		op := ops(t, resp)[0]
		require.Equal(t, "StepFailed", op["op"], tc.name)
		require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"), tc.name)
		require.Contains(t, op["error"].(map[string]any)["message"], tc.reason, tc.name)
		require.Equal(t, tc.ran, ran, tc.name)
		_, err := tc.call(t.Context())
		require.ErrorContains(t, err, tc.reason, "outside of a function: "+tc.name)
	}
}

func TestResultTypesThatAreMemoized(t *testing.T) {
	t.Parallel()
	type list struct {
		Next *list
		Err  error
		C    chan int `json:"-"`
	}
	type embeds struct {
		user
		*list
	}
	type tree map[string]tree
	ran := 0
	for name, call := range map[string]func(context.Context) (any, error){
		"a tree":  stepReturning(tree{"a": nil}, &ran),
		"nothing": stepReturning(struct{}{}, &ran), "any": stepReturning[any](nil, &ran), "raw": stepReturning(json.RawMessage("1"), &ran),
		"a list": stepReturning(list{Next: &list{}}, &ran), "time": stepReturning(time.Now(), &ran), "left out": stepReturning(list{}, &ran),
		"embedded": stepReturning(embeds{}, &ran), "bytes": stepReturning([]byte("x"), &ran), "keys": stepReturning(map[int]any{1: 1}, &ran),
		"array": stepReturning([2]user{}, &ran), "decodes": stepReturning(&proud{1}, &ran),
	} {
		ran = 0
		require.Equal(t, "StepRun", only(t, call)["op"], name)
		require.Equal(t, 1, ran, name)
	}
}

// A type that encodes itself with a method of its pointer is decoded with one, so it must be
// encoded with it wherever a value leaves the process.
func TestMethodsOfPointersEncode(t *testing.T) {
	t.Parallel()
	require.InEpsilon(t, 7, only(t, stepReturning(proud{7}, new(int)))["data"], 0.1)
	amount := *big.NewInt(7)
	require.InEpsilon(t, 7, only(t, stepReturning(struct{ N big.Int }{amount}, new(int)))["data"].(map[string]any)["N"], 0.1)

	app, _ := newApp(t, onSignUp(func(context.Context, input) (big.Int, error) { return amount, nil }))
	require.Equal(t, "7", string(callFn(t.Context(), t, app, signUpEnvelope(user{})).Body))

	type order struct {
		Amounts map[string]*big.Int // its elements are pointers, the field after it is not
		Amount  big.Int
	}
	invoked := inngestkit.Ref[order, any]{FunctionID: "other"}
	op := only(t, func(ctx context.Context) (any, error) { return step.Invoke(ctx, "s", invoked, order{Amount: amount}) })
	data := op["opts"].(map[string]any)["payload"].(map[string]any)["data"]
	require.InEpsilon(t, 7, data.(map[string]any)["Amount"], 0.1)

	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, _ int) { accepted(w, "id1") })
	app, _ = newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL})
	_, err := app.Send(t.Context(), inngestkit.DefineEvent[order]("e").New(order{Amount: amount}))
	require.NoError(t, err)
	_, bodies := server.seen()
	require.Contains(t, bodies[0], `"Amount":7`)
}

// Data whose JSON is always empty is refused: nothing of it would arrive.
func TestOpaqueDataIsNotSent(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t)
	_, err := app.Send(t.Context(), inngestkit.DefineEvent[opaque]("e").New(opaque{}))
	require.ErrorContains(t, err, "event 0: it cannot be encoded: inngestkit_test.opaque has no exported field")
	_, err = app.Send(t.Context(), inngestkit.DefineEvent[amounts]("e").New(amounts{}))
	require.ErrorContains(t, err, "event 0: it cannot be encoded: field ByItem: the JSON of each big.Int in a map is empty, because "+
		"encoding/json does not call the methods of *big.Int there; use a map of *big.Int")
	for reason, f := range map[string]func(ctx context.Context) (any, error){
		"opaque has no exported field":      invoking(opaque{}),
		"the JSON of each big.Int in a map": invoking(amounts{}),
	} {
		app, _ = newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) { return f(ctx) }))
		resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
		require.Equal(t, http.StatusBadRequest, resp.Status)
		require.Contains(t, message(t, resp), reason)
	}
}

func invoking[T any](data T) func(ctx context.Context) (any, error) {
	return func(ctx context.Context) (any, error) {
		return step.Invoke(ctx, "s", inngestkit.Ref[T, any]{FunctionID: "other"}, data)
	}
}

// amounts loses what is in its map.
type amounts struct{ ByItem map[string]big.Int }

// A wait is refused if nothing can be decoded into its Go type.
func TestWaitsForTypesThatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(context.Context) (any, error){
		"signal": func(ctx context.Context) (any, error) {
			return step.WaitForSignal[error](ctx, "s", "x", step.Timeout(time.Hour))
		},
		"invoke": func(ctx context.Context) (any, error) {
			return step.Invoke(ctx, "s", inngestkit.Ref[user, error]{FunctionID: "other"}, user{})
		},
	} {
		app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) { return call(ctx) }))
		resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
		require.Equal(t, http.StatusBadRequest, resp.Status, name)
		require.Equal(t, `step "s" cannot return Go type error: JSON cannot be decoded into the interface error`, message(t, resp))
	}
}

// The server decodes text that looks like an object unless its first brace is escaped.
func TestTextThatLooksLikeAnObject(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":1}`: `"\u007b\"a\":1}"`, `{}`: `"\u007b}"`, `{`: `"\u007b"`, ` {}`: `" {}"`, `[]`: `"[]"`, ``: `""`, `"{}"`: `"\"{}\""`,
	} {
		app, _ := newApp(t, onSignUp(func(context.Context, input) (string, error) { return text, nil }))
		body := string(callFn(t.Context(), t, app, signUpEnvelope(user{})).Body)
		require.Equal(t, want, body)
		var again string
		require.NoError(t, json.Unmarshal([]byte(body), &again))
		require.Equal(t, text, again)
	}
	app, _ := newApp(t, onSignUp(func(context.Context, input) (any, error) { return map[string]string{"a": "{}"}, nil }))
	require.JSONEq(t, `{"a":"{}"}`, strings.TrimSpace(string(callFn(t.Context(), t, app, signUpEnvelope(user{})).Body)))
}
