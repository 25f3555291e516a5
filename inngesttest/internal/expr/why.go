package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// notef adds a sentence, once.
func (e *evaluation) notef(format string, args ...any) {
	if sentence := fmt.Sprintf(format, args...); !slices.Contains(e.why, sentence) {
		e.why = append(e.why, sentence)
	}
}

// noteCall adds why a call with a missing operand has a value.
func (e *evaluation) noteCall(function string, args []ref.Val, value ref.Val) {
	var absent []string
	texts := make([]string, len(args))
	for i, arg := range args {
		texts[i] = valueText(arg)
		if types.IsUnknownOrError(arg) {
			absent = append(absent, missing(arg))
		}
	}
	if len(absent) == 2 { // they are not equal, although null is equal to null
		texts = []string{"missing", "missing"}
	}
	e.notef("%s: %s is %s", strings.Join(absent, " and "), callText(function, texts), valueText(value))
}

// missing says which operand is missing, or which error counts as such.
func missing(v ref.Val) string {
	unknown, isUnknown := v.(*types.Unknown)
	if !isUnknown {
		return fmt.Sprintf("%v counts as missing", v)
	}
	var names []string
	for _, id := range unknown.IDs() {
		trails, _ := unknown.GetAttributeTrails(id)
		for _, trail := range trails {
			names = append(names, trail.String())
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 1 {
		return names[0] + " is missing"
	}
	return strings.Join(names, " and ") + " are missing"
}

func callText(function string, texts []string) string {
	if operator, ok := operators.FindReverseBinaryOperator(function); ok && len(texts) == 2 {
		return texts[0] + " " + operator + " " + texts[1]
	}
	if operator, ok := operators.FindReverse(function); ok && operator != "" && len(texts) == 1 {
		return operator + texts[0]
	}
	return function + "(" + strings.Join(texts, ", ") + ")"
}

// maxValueText is the number of bytes that are shown of an operand.
const maxValueText = 60

func valueText(v ref.Val) string {
	var text string
	switch v := v.(type) {
	case nil, types.Null, *types.Unknown, *types.Err:
		return null
	case types.String:
		text = fmt.Sprintf("%q", string(v))
	default:
		text = fmt.Sprint(v.Value())
	}
	if len(text) > maxValueText {
		text = strings.ToValidUTF8(text[:maxValueText], "") + "…"
	}
	return text
}
