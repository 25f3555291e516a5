package call

import (
	"fmt"
	"runtime/debug"

	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// Panic is a panic on its way to the function's wrapper, with what panicked and the
// stack it began with.
type Panic struct {
	Where string
	Value any
	Stack []byte
}

// String is for a panic that nothing recovers.
func (p *Panic) String() string {
	return fmt.Sprintf("%s panicked: %s\n%s", p.Where, safe.Sprint(p.Value), p.Stack)
}

// KeepStack is deferred. It gives a panic the stack of its goroutine, which is gone
// when another one panics with it again.
func KeepStack(where string) {
	switch r := recover(); {
	case r == nil:
	case unwinds(r):
		panic(r)
	default:
		panic(newPanic(where, r))
	}
}

func newPanic(where string, value any) *Panic {
	if p, ok := value.(*Panic); ok {
		return p
	}
	return &Panic{Where: where, Value: value, Stack: debug.Stack()}
}
