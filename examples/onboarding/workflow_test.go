package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/examples/internal/database/databasetest"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// signedUpUser returns a store with one user, and the user.
func signedUpUser(t *testing.T) (*Store, User) {
	t.Helper()
	store := &Store{db: databasetest.New(t, schema)}
	id, err := store.SignUp(t.Context(), "ada@example.com", "Ada", "music")
	require.NoError(t, err)
	user, err := store.User(t.Context(), id)
	require.NoError(t, err)
	return store, user
}

// requireUser requires the status of a user and the beginnings of the mails.
func requireUser(t *testing.T, store *Store, id, status string, mails ...string) {
	t.Helper()
	user, err := store.User(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, status, user.Status)
	got, err := store.Mails(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, got, len(mails), strings.Join(got, "\n"))
	for i, mail := range mails {
		require.Contains(t, got[i], mail)
	}
}

// The first month of a user, who takes an hour to verify the address. The functions sleep
// until dates, so the test runs in a bubble, where the clock of the store is the test's.
func TestMonth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, user := signedUpUser(t)
		o := NewOnboarding(store, Month())
		e := inngesttest.Virtual(t)
		e.Register(o.Functions()...)
		run := inngesttest.Start(e, o.Flow(), Registered{UserID: user.ID})
		e.Advance(time.Hour)
		require.Contains(t, run.Waiting()[0], "wait-for-email-verification")
		e.Send(emailVerified.New(Verified{UserID: "another", VerifiedAt: e.Now()}))
		require.Contains(t, run.Waiting()[0], "wait-for-email-verification")

		verified, err := store.Verify(t.Context(), user.token, time.Now())
		require.NoError(t, err)
		e.Send(emailVerified.New(Verified{UserID: user.ID, VerifiedAt: verified.VerifiedAt}))
		require.Equal(t, Result{user.ID, "completed", verified.VerifiedAt}, run.Wait().Output())

		e.AdvanceTo(verified.VerifiedAt.Add(7*day - time.Minute))
		requireUser(t, store, user.ID, StatusVerified, "Welcome, Ada", "you are all set")
		e.AdvanceTo(verified.VerifiedAt.Add(10*day + time.Minute))
		requireUser(t, store, user.ID, StatusVerified, "Welcome", "all set", "add a picture", "invite a friend")
		e.Drain()
		require.Equal(t, time.Hour+30*day, e.Elapsed())
		requireUser(t, store, user.ID, StatusVerified, "Welcome", "all set", "add a picture", "invite a friend", "try the search",
			"set a reminder", "make a playlist", "follow a band", "share a song", "find a concert", "how do you like it")
		require.Empty(t, e.Failed())

		e.Send(userRegistered.New(Registered{UserID: user.ID}))
		e.Drain()
		require.Len(t, e.Runs(o.Flow()), 2, "a day later the same user would begin again")
		requireUser(t, store, user.ID, StatusVerified, "Welcome", "all set", "add a picture", "invite a friend", "try the search",
			"set a reminder", "make a playlist", "follow a band", "share a song", "find a concert", "how do you like it")
	})
}

// A user who verifies the address after the reminder is welcome, too. A click whose event
// arrives while the run does not wait counts at the next step.
func TestVerifiedLate(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]bool{"after the reminder": true, "without an event": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store, user := signedUpUser(t)
				o := NewOnboarding(store, Month())
				e := inngesttest.Virtual(t)
				e.Register(o.Functions()...)
				run := inngesttest.Start(e, o.Flow(), Registered{UserID: user.ID})
				e.Advance(day + time.Hour)
				require.Contains(t, run.Waiting()[0], "wait-after-reminder")
				requireUser(t, store, user.ID, "new", "Welcome", "please verify")
				verified, err := store.Verify(t.Context(), user.token, time.Now())
				require.NoError(t, err)
				if send {
					e.Send(emailVerified.New(Verified{UserID: user.ID, VerifiedAt: verified.VerifiedAt}))
				}
				require.Equal(t, Result{user.ID, "completed", verified.VerifiedAt}, run.Wait().Output())
				requireUser(t, store, user.ID, StatusVerified, "Welcome", "please verify", "all set")
			})
		})
	}
}

// A user who never verifies the address gets one reminder, and nothing else.
func TestNotVerified(t *testing.T) {
	t.Parallel()
	store, user := signedUpUser(t)
	o := NewOnboarding(store, Month())
	e := inngesttest.Virtual(t)
	e.Register(o.Functions()...)
	run := inngesttest.Start(e, o.Flow(), Registered{UserID: user.ID}).Wait()
	require.Equal(t, Result{UserID: user.ID, Status: "verification-timeout"}, run.Output())
	require.Equal(t, 2*day, e.Elapsed())
	requireUser(t, store, user.ID, StatusUnverified, "Welcome", "please verify")
	require.Empty(t, e.Runs(o.Tips()))
	require.NotContains(t, run.Timeline(), user.token)
	for _, step := range run.Steps() {
		require.NotContains(t, string(step.Output), user.token, "the server stores outputs")
	}
}

// Signing up twice within a day starts one run.
func TestSignedUpTwice(t *testing.T) {
	t.Parallel()
	store, user := signedUpUser(t)
	o := NewOnboarding(store, Month())
	e := inngesttest.Virtual(t)
	e.Register(o.Functions()...)
	for range 2 {
		e.Send(userRegistered.New(Registered{UserID: user.ID}))
	}
	require.Len(t, e.Runs(o.Flow()), 1)
}

// Tips end when the user unsubscribes.
func TestUnsubscribe(t *testing.T) {
	t.Parallel()
	store, user := signedUpUser(t)
	o := NewOnboarding(store, Month())
	e := inngesttest.Virtual(t)
	e.Register(o.Functions()...)
	run := inngesttest.Start(e, o.Tips(), FollowUp{UserID: user.ID, Begins: e.Now()})
	e.Advance(3*day + time.Hour)
	e.Send(userUnsubscribed.New(Unsubscribed{UserID: "another"}), userUnsubscribed.New(Unsubscribed{UserID: user.ID}))
	e.Drain()
	require.Equal(t, inngesttest.RunCancelled, run.Status())
	requireUser(t, store, user.ID, "new", "add a picture", "invite a friend")
}

func TestTipsFor(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, interest := range []string{"photos", "music", ""} {
		tips := tipsFor(interest)
		require.Len(t, tips, 8)
		require.False(t, seen[tips[7]])
		seen[tips[7]] = true
	}
}
