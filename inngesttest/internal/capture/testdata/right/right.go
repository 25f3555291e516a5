// Package right has correct functions, most of which look like wrong ones.
package right

import (
	"context"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

type Item struct {
	Name  string
	Price int
}

type Order struct {
	ID     string
	Status string
	Total  int
	Items  []Item
	Notes  map[string]string
}

// Reset makes the order empty.
func (o *Order) Reset() { *o = Order{} }

// Customer returns the customer's ID, which no step changes.
func (o *Order) Customer() string { return o.ID }

type (
	Input = inngestkit.Input[Order]
	none  = struct{}
)

type client struct{ calls int }

func (c *client) Do(context.Context) error { return nil }
func (c *client) Close() error             { return nil }

func dial() *client                               { return &client{} }
func price(context.Context, string) int           { return 1 }
func load(context.Context, string) (Order, error) { return Order{}, nil }
func loadInto(context.Context, *Order) error      { return nil }
func pay(context.Context, Order) error            { return nil }

var processed int

// Functions are those with the position of their code.
var Functions = []any{
	returned, assignedFromTheResult, assignedAfterTheStep, assignedOnEveryPath, sharedError, into, intoFields,
	branchWithSeveralSteps, branchesThatAssignElements, onlyInTheCallback, readBefore, onAnotherPath, declaredInTheLoop,
	loopVariable, otherField, otherElement, shadowed, keyOfALiteral, silenced, packageVariable, counterOfATest(),
	(&service{}).receiver, (&service{}).throughLocals, throughParameter, cache, lazyClient, lazyFunction, cleanedUp,
	filledByAnotherFunction, filledThroughAPointer, storedPointer, resetByItsMethod, assignedByALocalFunction,
	callbackOfALibrary, inBranchesThatAssign, pages, compensation, approval, transaction, mapped, jump, unsynchronised,
	replacedContext, ofTheSDK, restoredInLoop, restoredInSwitch, (&service{}).partOfANewValue, comparedWithNil,
	assignedInABranch, assignedInAnEndlessLoop, assignedInALibraryCall, assignedByAGoroutine, cleared, storedAlias,
	(&service{}).sometimesNew, passedByItsAddress, oneOfTwoFunctions, calledAndRunAsAStep,
	restoredByItsMethod, valueWithAnError,
}
