package inngestkit_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
)

func TestGroupOptions(t *testing.T) {
	t.Parallel()
	inner := inngestkit.NewGroup(flow.Retries(2), flow.RateLimit(2, time.Minute))
	outer := inngestkit.NewGroup(flow.Retries(1), flow.RateLimit(1, time.Minute), flow.Concurrency(1))
	functions := outer.Functions(inner.Functions(
		inngestkit.OnEvent("own", signedUp, hello, flow.Retries(3)),
		inngestkit.OnEvent("none", signedUp, hello),
	)...)
	functions = append(functions, outer.Functions(inngestkit.OnEvent("outer", signedUp, hello))...)
	functions = append(functions, inngestkit.OnEvent("alone", signedUp, hello))

	all := syncedFunctions(t, functions...)
	require.Equal(t, []string{"app-own", "app-none", "app-outer", "app-alone"}, ids(all))
	require.Equal(t, []int{3, 2, 1}, []int{*all[0].Retries, *all[1].Retries, *all[2].Retries}, "the innermost counts")
	require.Equal(t, 3, all[0].Steps["step"].Retries.Attempts)
	for i, limit := range []string{"2", "2", "1"} {
		require.Contains(t, string(all[i].RateLimit), `"limit":`+limit)
		require.Contains(t, string(all[i].Concurrency), `"limit":1`)
	}
	require.Nil(t, all[3].Retries)
	require.Nil(t, all[3].RateLimit)
	require.Nil(t, all[3].Concurrency)
}

// A function may give an option that its group gives too, but one level must not give it twice.
func TestGroupGivesAnOptionTwice(t *testing.T) {
	t.Parallel()
	twice := inngestkit.NewGroup(flow.Retries(1), flow.Retries(2))
	for _, tc := range []struct {
		name      string
		functions []inngestkit.Function
		want      []string
	}{
		{"in the group", twice.Functions(onSignUp(hello)), []string{"Retries"}},
		{"in the group of the group", twice.Functions(inngestkit.NewGroup(flow.RateLimit(1, time.Hour)).Functions(onSignUp(hello))...), []string{"Retries"}},
		{"in the function too", twice.Functions(onSignUp(hello, flow.Retries(0), flow.Retries(0))), []string{"Retries"}},
		{"nil in the group", inngestkit.NewGroup(nil).Functions(onSignUp(hello)), []string{"Option"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app, _ := newApp(t)
			require.Equal(t, tc.want, fields(app.Register(tc.functions...)))
		})
	}
}

func TestGroupMiddleware(t *testing.T) {
	t.Parallel()
	var order []string
	inner := inngestkit.NewGroup(noting(&order, "inner 1"), noting(&order, "inner 2"))
	outer := inngestkit.NewGroup(noting(&order, "outer"))
	app, _ := newApp(t, outer.Functions(inner.Functions(onSignUp(func(context.Context, input) (any, error) {
		order = append(order, "fn")
		return nil, nil
	}, noting(&order, "function")))...)...)
	app.Use(note(&order, "app"))
	require.Equal(t, http.StatusOK, callFn(t.Context(), t, app, signUpEnvelope(user{})).Status)
	require.Equal(t, []string{"app", "outer", "inner 1", "inner 2", "function", "fn"}, order)
}

// A group does not change its functions, so a function can be in groups of several apps.
func TestGroupLeavesFunctionsAsTheyAre(t *testing.T) {
	t.Parallel()
	fn := onSignUp(hello, flow.Retries(5))
	options := []inngestkit.Option{flow.Retries(1), flow.Concurrency(1)}
	first := inngestkit.NewGroup(options...)
	options[1] = flow.Concurrency(9)
	inFirst := first.Functions(fn)
	for range 2 { // so the slice of groups has spare capacity
		inFirst = inngestkit.Group{}.Functions(inFirst...)
	}
	inBoth := inngestkit.NewGroup(flow.RateLimit(7, time.Hour)).Functions(inFirst...)
	again := inngestkit.NewGroup(flow.RateLimit(8, time.Hour)).Functions(inFirst...)

	require.Equal(t, "fn", inBoth[0].ID())
	plain, both := syncedFunctions(t, fn)[0], syncedFunctions(t, inBoth...)[0]
	require.Nil(t, plain.Concurrency)
	require.Contains(t, string(both.Concurrency), `"limit":1`)
	require.Contains(t, string(both.RateLimit), `"limit":7`)
	require.Contains(t, string(syncedFunctions(t, again...)[0].RateLimit), `"limit":8`)
	require.Nil(t, syncedFunctions(t, inFirst...)[0].RateLimit)
	require.Equal(t, 5, *both.Retries)
}

func TestEmptyGroup(t *testing.T) {
	t.Parallel()
	group := inngestkit.NewGroup()
	require.Empty(t, group.Functions())
	app, _ := newApp(t)
	err := app.Register(group.Functions(onSignUp(hello), nil)...)
	var mistake *inngestkit.RegistrationError
	require.ErrorAs(t, err, &mistake)
	require.Equal(t, "Function", mistake.Field)
	require.Contains(t, err.Error(), "is nil; leave it out")
	require.Empty(t, app.FunctionIDs())
	require.NoError(t, app.Register(inngestkit.Group{}.Functions(onSignUp(hello))...))
}
