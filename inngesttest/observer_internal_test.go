package inngesttest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// logTB is a test whose log another goroutine awaits.
type logTB struct {
	testing.TB

	lines chan string
}

func (tb logTB) Logf(format string, args ...any) {
	tb.TB.Logf(format, args...)
	select {
	case tb.lines <- format:
	default:
	}
}

// The log names a call that hangs.
func TestHangingCall(t *testing.T) {
	t.Parallel()
	lines := make(chan string, 1)
	e := Virtual(logTB{t, lines})
	e.v.hangsAfter = time.Millisecond
	f := inngestkit.OnEvent("hangs", inngestkit.DefineEvent[any]("x"), func(ctx context.Context, _ inngestkit.Input[any]) (bool, error) {
		return step.Run(ctx, "wait", func(context.Context) (bool, error) {
			return strings.Contains(<-lines, "has not returned"), nil
		})
	})
	e.Register(f)
	require.True(t, Start(e, f, any(nil)).Wait().Output())
}
