package engine

import (
	"slices"

	"github.com/inngestkit/inngestkit/inngesttest/internal/expr"
)

// refuseIndex reports, once, an event for which so many runs wait that the server finds them with
// an index (HandlePauses in pkg/execution/executor of the server), if the index may be wrong. The
// server counts waits and cancelOn together.
func (e *Engine) refuseIndex(event string) {
	waits, cancels := e.waits[event], e.cancels[event]
	n := len(waits) + len(cancels)
	if !expr.UsesIndex(n) || e.indexed {
		return
	}
	var conditions []string
	for w := range waits {
		conditions = e.appendUnsuited(conditions, w.condition)
	}
	for c := range cancels {
		conditions = e.appendUnsuited(conditions, c.condition)
	}
	if len(conditions) == 0 {
		return
	}
	e.indexed = true
	e.fault(nil, "%d waits and cancelOn options are open for event %q. With more than 50, a real server finds those that the "+
		"event meets with an index, which overlooks some, and finds others that the event does not meet. The index is known to "+
		"be right if all conditions compare fields of the event by == with texts, numbers or null, and join these by &&, "+
		"unlike %s. Let fewer runs wait, or use a real server for this test",
		n, event, orEmpty(slices.Min(conditions)))
}

func (e *Engine) appendUnsuited(conditions []string, condition *string) []string {
	if condition == nil || e.expressions.SuitsIndex(*condition) {
		return conditions
	}
	return append(conditions, *condition)
}
