package benchmarks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	sdkstep "github.com/inngest/inngestgo/step"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// BenchmarkFloorAnswer is BenchmarkFloor for what a call returns: the output of a function, or
// the result of a new step, of several sizes. The event is small.
func BenchmarkFloorAnswer(b *testing.B) {
	for _, size := range eventSizes {
		result := itemsOf(size)
		b.Run(fmt.Sprintf("output=%dKiB", size>>10), func(b *testing.B) {
			output := func(context.Context, inngestkit.Input[benchData]) (any, error) { return result, nil }
			least := func(c *gin.Context) { c.JSON(http.StatusOK, result) }
			answersInTurn(b, []http.Handler{answering(b, least), onGin(b, 1, output), bareSDK(b, 1, output)},
				http.StatusOK, `{"id":"order-1"`)
		})
		b.Run(fmt.Sprintf("step=%dKiB", size>>10), func(b *testing.B) {
			body := func(context.Context) (benchData, error) { return result, nil }
			ours := func(ctx context.Context, _ inngestkit.Input[benchData]) (any, error) {
				return step.Run(ctx, "step-0", body)
			}
			sdk := func(ctx context.Context, _ inngestkit.Input[benchData]) (any, error) {
				return sdkstep.Run(ctx, "step-0", body)
			}
			least := func(c *gin.Context) {
				c.JSON(http.StatusPartialContent, []any{map[string]any{"op": "StepRun", "id": stepKey(0), "name": "step-0", "data": result}})
			}
			answersInTurn(b, []http.Handler{answering(b, least), onGin(b, 1, ours), bareSDK(b, 1, sdk)},
				http.StatusPartialContent, `[{`)
		})
	}
}

func answersInTurn(b *testing.B, handlers []http.Handler, status int, answer string) {
	b.Helper()
	call := callerOf(b, callBody(b, itemsOf(100), 0), status, answer)
	calls := make([]func(), len(handlers))
	for i, handler := range handlers {
		calls[i] = func() { call(handler) }
	}
	inTurn(b, []string{"floor", "ours", "sdk"}, calls)
}

// answering returns a handler that reads and verifies a call, decodes its event and answers.
func answering(b *testing.B, answer gin.HandlerFunc) http.Handler {
	b.Helper()
	r := gin.New()
	r.POST(path, func(c *gin.Context) {
		var event inngestkit.Event[benchData]
		ok(b, json.Unmarshal(eventIn(verifiedBody(b, c)), &event))
		answer(c)
	})
	return r
}
