package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Outside a run, steps run directly, so a function can be tested like any other.
func TestStartTrial(t *testing.T) {
	t.Parallel()
	var in inngestkit.Input[UserActivated]
	in.Event.Data.UserID = "user-1"
	trial, err := new(Users).startTrial(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, Trial{UserID: "user-1", Plan: "pro", Days: 14}, trial)
}

func TestFunctionsAreValid(t *testing.T) {
	t.Parallel()
	app, err := inngestkit.New(inngestkit.Config{AppID: "quickstart", Dev: true})
	require.NoError(t, err)
	require.NoError(t, app.Register(new(Users).Functions()...))
	require.Equal(t, []string{"welcome-new-user", "start-trial"}, app.FunctionIDs())
}
