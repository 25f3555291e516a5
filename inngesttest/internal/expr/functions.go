package expr

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/decls"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
	str2duration "github.com/xhit/go-str2duration/v2"
)

// ownFunctions declares the functions that the server adds to those of CEL. They take
// values of any type at run time.
func ownFunctions() []cel.EnvOption {
	unary := func(name string, arg, result *cel.Type, binding func(ref.Val) ref.Val) cel.EnvOption {
		return cel.Function(name, decls.DisableTypeGuards(true),
			cel.Overload(name, []*cel.Type{arg}, result, cel.UnaryBinding(binding)))
	}
	return []cel.EnvOption{
		unary("lowercase", cel.StringType, cel.StringType, onText(strings.ToLower)),
		unary("uppercase", cel.StringType, cel.StringType, onText(strings.ToUpper)),
		unary("b64decode", cel.StringType, cel.StringType, onText(decodeBase64)),
		unary("json_parse", cel.StringType, cel.AnyType, parseObject),
		unary("date", cel.AnyType, cel.TimestampType, date),
		cel.Function("now", cel.Overload("now", nil, cel.TimestampType,
			cel.FunctionBinding(func(...ref.Val) ref.Val { return withoutClock }))),
		unary("now_plus", cel.StringType, cel.TimestampType, func(ref.Val) ref.Val { return withoutClock }),
		unary("now_minus", cel.StringType, cel.TimestampType, func(ref.Val) ref.Val { return withoutClock }),
	}
}

// withoutClock is the value of now, now_plus and now_minus in a program that does not
// decorate them with withClock.
var withoutClock = types.NewErr("the expression is evaluated without a clock")

// onText returns a function for text. Other values count as "".
func onText(f func(string) string) func(ref.Val) ref.Val {
	return func(arg ref.Val) ref.Val {
		text, _ := arg.Value().(string)
		return types.String(f(text))
	}
}

func decodeBase64(text string) string {
	decoded, _ := base64.StdEncoding.DecodeString(text)
	return string(decoded)
}

// parseObject returns the object in a JSON text, an empty one for anything else.
func parseObject(arg ref.Val) ref.Val {
	text, _ := arg.Value().(string)
	object := map[string]any{}
	_ = json.Unmarshal([]byte(text), &object)
	return types.NewStringInterfaceMap(types.DefaultTypeAdapter, object)
}

// withClock decorates the functions of time with the clock of the evaluation.
func withClock(i interpreter.Interpretable) (interpreter.Interpretable, error) {
	if call, ok := i.(interpreter.InterpretableCall); ok && isTimeFunction(call) && call.Function() != "date" {
		return clockCall{call}, nil
	}
	return i, nil
}

func isTimeFunction(call interpreter.InterpretableCall) bool {
	switch call.Function() {
	case "date", "now", "now_plus", "now_minus":
		return true
	default:
		return false
	}
}

// A clockCall is a call of now, now_plus or now_minus.
type clockCall struct{ interpreter.InterpretableCall }

// Eval returns the time, nil if the duration cannot be parsed.
func (c clockCall) Eval(act interpreter.Activation) ref.Val {
	now := evaluationOf(act).now
	if c.Function() == "now" {
		return types.Timestamp{Time: now}
	}
	arg := c.Args()[0].Eval(act)
	if types.IsUnknownOrError(arg) {
		return arg
	}
	text, isText := arg.(types.String)
	d, err := str2duration.ParseDuration(string(text))
	if !isText || err != nil {
		return nil
	}
	if c.Function() == "now_minus" {
		d = -d
	}
	return types.Timestamp{Time: now.Add(d)}
}

// needTimes decorates calls of date, now_plus and now_minus that have no value with the data
// of act. v1.12.1 plans nothing in their place, which ends the evaluation.
func needTimes(act interpreter.Activation) interpreter.InterpretableDecorator {
	return func(i interpreter.Interpretable) (interpreter.Interpretable, error) {
		if call, ok := i.(interpreter.InterpretableCall); ok && isTimeFunction(call) {
			if value := call.Eval(act); value == nil || types.IsUnknownOrError(value) {
				return noTime{call}, nil
			}
		}
		return i, nil
	}
}

// noTime stands for a call of a time function that has no value. Embedding it as an
// Interpretable hides its operands from the decorators that follow.
type noTime struct{ interpreter.Interpretable }

func (noTime) Eval(interpreter.Activation) ref.Val { panic("a function of time has no value") }

// date returns the time that a text or an integer stands for. It returns nil for other
// values, for example the numbers of JSON, which are not integers; the expression then has
// no value.
func date(arg ref.Val) ref.Val {
	switch v := arg.(type) {
	case types.String:
		if t, ok := parseDate(string(v)); ok {
			return types.Timestamp{Time: t}
		}
	case types.Int:
		if t, ok := unixTime(int64(v)); ok {
			return types.Timestamp{Time: t}
		}
	}
	return nil
}

// dateLayouts are tried in this order (pkg/dateutil of the server).
var dateLayouts = []string{
	time.RFC3339, "2006-01-02T15:04:05", time.RFC1123, time.RFC822, time.RFC822Z, time.RFC850,
	time.RubyDate, time.UnixDate, time.ANSIC, time.Stamp, time.StampMilli, time.DateOnly,
	"2006-01-02 15:04:05.999999999 -0700 MST",
}

func parseDate(text string) (time.Time, bool) {
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// unixTime takes n as seconds, milliseconds or nanoseconds, according to its size. Times
// before the year 2000 are refused.
func unixTime(n int64) (time.Time, bool) {
	switch {
	case n < 946_684_800:
		return time.Time{}, false
	case n < 9_999_999_999:
		return time.Unix(n, 0), true
	case n < 9_999_999_999_999:
		return time.UnixMilli(n), true
	default:
		return time.Unix(0, n), true
	}
}
