package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A step may run again after its effect, so each change is made twice here.
func TestStoreRepeats(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, user := signedUpUser(t)
	first := time.UnixMilli(1000).UTC()
	for i := range 2 {
		again, err := s.SignUp(ctx, user.Email, "Eve", "")
		require.NoError(t, err)
		require.Equal(t, user.ID, again)
		require.NoError(t, s.Welcome(ctx, user.ID))
		if i == 0 {
			for range 2 {
				verifiedAt, err := s.Remind(ctx, user.ID)
				require.NoError(t, err)
				require.Zero(t, verifiedAt)
				verifiedAt, err = s.GiveUp(ctx, user.ID)
				require.NoError(t, err)
				require.Zero(t, verifiedAt)
			}
			requireUser(t, s, user.ID, StatusUnverified, "Welcome, Ada", "please verify")
		}
		verified, err := s.Verify(ctx, user.token, first.Add(time.Duration(i)*time.Hour))
		require.NoError(t, err)
		require.Equal(t, first, verified.VerifiedAt)
		require.NoError(t, s.CreateProfile(ctx, user.ID))
		verifiedAt, err := s.GiveUp(ctx, user.ID)
		require.NoError(t, err)
		require.Equal(t, first, verifiedAt)
		requireUser(t, s, user.ID, StatusVerified, "Welcome, Ada", "please verify")
	}
	var profiles int
	require.NoError(t, s.db.QueryRowContext(ctx, "SELECT count(*) FROM profiles").Scan(&profiles))
	require.Equal(t, 1, profiles)

	_, err := s.Verify(ctx, "nonsense", first)
	require.ErrorIs(t, err, ErrNoToken)
	_, err = s.User(ctx, "nobody")
	require.ErrorIs(t, err, ErrNoUser)
}
