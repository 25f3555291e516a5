package onboarding_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/examples/workflows/onboarding"
	"github.com/inngestkit/inngestkit/inngesttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The first month of a user, who takes 26 hours to verify the address. The functions sleep
// until dates, so the test runs in a bubble, where their clock is the test's.
func TestOnboarding(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		users := &users{begin: time.Now()}
		o := &onboarding.Onboarding{Mail: users, Users: users}
		e := inngesttest.Virtual(t)
		e.Register(o.Functions()...)
		run := inngesttest.Start(e, o.Flow(), onboarding.Registered{UserID: "u1", Email: "ann@example.com", Name: "Ann"})
		e.Advance(26 * time.Hour)
		require.Contains(t, run.Waiting()[0], "wait-for-email-verification")
		e.Send(onboarding.EmailVerified.New(onboarding.Verified{UserID: "u2"}))
		e.Send(onboarding.EmailVerified.New(onboarding.Verified{UserID: "u1", VerifiedAt: e.Now()}))
		require.Equal(t, "completed", run.Wait().Output().Status)
		e.Drain()
		require.Equal(t, []string{
			"0s welcome", "26h0m0s onboarding-complete",
			"194h0m0s tip one", "266h0m0s tip two", "338h0m0s tip three", "746h0m0s feedback",
		}, users.seen())
		require.Equal(t, map[string]bool{"u1": true}, users.verified)
		require.Empty(t, e.Failed())
	})
}

// A user who never verifies the address gets a reminder after two days, and nothing else.
func TestNotVerified(t *testing.T) {
	t.Parallel()
	users := &users{begin: time.Now()}
	o := &onboarding.Onboarding{Mail: users, Users: users}
	e := inngesttest.Virtual(t)
	e.Register(o.Functions()...)
	run := inngesttest.Start(e, o.Flow(), onboarding.Registered{UserID: "u1", Email: "ann@example.com"}).Wait()
	require.Equal(t, onboarding.Result{UserID: "u1", Status: "verification-timeout"}, run.Output())
	require.Equal(t, 48*time.Hour, e.Elapsed())
	require.Equal(t, map[string]bool{"u1": false}, users.verified)
	require.Empty(t, e.Runs(o.Tips()))
}

// users is the mail server and the database of the tests.
type users struct {
	begin time.Time

	mu       sync.Mutex
	mails    []string
	verified map[string]bool
}

func (u *users) Send(_ context.Context, _, template string, values ...string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	mail := time.Since(u.begin).Round(time.Minute).String() + " " + template
	if template == "tip" {
		mail += " " + values[0]
	}
	u.mails = append(u.mails, mail)
	return nil
}

func (u *users) SetVerified(_ context.Context, userID string, verified bool) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.verified = map[string]bool{userID: verified}
	return nil
}

func (*users) CreateProfile(context.Context, string) error { return nil }

func (*users) Tips(context.Context, string) ([]string, error) {
	return []string{"one", "two", "three"}, nil
}

func (u *users) seen() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.mails
}
