package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"

	"github.com/inngestkit/inngestkit/examples/internal/database"
)

// schema is for SQLite and PostgreSQL. Times are milliseconds since 1970, 0 for never. A mail
// is a row of user_mails, which another program sends. Its key makes it one mail, however
// often a step runs.
const schema = `
CREATE TABLE IF NOT EXISTS users (
	id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, interest TEXT NOT NULL,
	status TEXT NOT NULL DEFAULT 'new', token TEXT NOT NULL UNIQUE, verified_at BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS profiles (user_id TEXT PRIMARY KEY, interest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS user_mails (
	user_id TEXT NOT NULL, mail TEXT NOT NULL, number INTEGER NOT NULL, recipient TEXT NOT NULL, body TEXT NOT NULL,
	PRIMARY KEY (user_id, mail)
);`

// Errors of a Store.
var (
	ErrNoUser  = errors.New("user not found")
	ErrNoToken = errors.New("the link is not valid")
)

// The statuses of a user.
const (
	StatusVerified   = "verified"
	StatusUnverified = "unverified"
)

// User is a user in the database.
type User struct {
	ID         string
	Email      string
	Name       string
	Interest   string
	Status     string
	VerifiedAt time.Time // zero until the address is verified

	token string
}

// Store is the database of users and their mails. Each method that changes something can be
// repeated with the same arguments: the second time changes nothing.
type Store struct{ db *sql.DB }

// SignUp stores a new user. An address that has signed up before keeps its user, so whoever
// signs up does not learn whose address is known.
func (s *Store) SignUp(ctx context.Context, email, name, interest string) (userID string, err error) {
	_, err = s.db.ExecContext(ctx, `INSERT INTO users (id, email, name, interest, token) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (email) DO NOTHING`, "user-"+rand.Text()[:8], email, name, interest, rand.Text())
	if err != nil {
		return "", err
	}
	err = s.db.QueryRowContext(ctx, "SELECT id FROM users WHERE email = $1", email).Scan(&userID)
	return userID, err
}

// User returns a user.
func (s *Store) User(ctx context.Context, userID string) (User, error) {
	return s.find(ctx, userID, "")
}

// Verify notes that the user with a token has followed the link. If the user has done so
// before, that time remains.
func (s *Store) Verify(ctx context.Context, token string, now time.Time) (User, error) {
	_, err := s.db.ExecContext(ctx, "UPDATE users SET verified_at = $2 WHERE token = $1 AND verified_at = 0",
		token, now.UnixMilli())
	if err != nil {
		return User{}, err
	}
	user, err := s.find(ctx, "", token)
	if errors.Is(err, ErrNoUser) {
		return User{}, ErrNoToken
	}
	return user, err
}

// Welcome sends the mail with the link.
func (s *Store) Welcome(ctx context.Context, userID string) error {
	user, err := s.User(ctx, userID)
	if err != nil {
		return err
	}
	return s.Mail(ctx, userID, "welcome", welcomeMail(user.token))
}

// Remind sends the reminder, unless the user has verified the address. It returns when that
// was.
func (s *Store) Remind(ctx context.Context, userID string) (verifiedAt time.Time, err error) {
	user, err := s.User(ctx, userID)
	if err != nil || !user.VerifiedAt.IsZero() {
		return user.VerifiedAt, err
	}
	return time.Time{}, s.Mail(ctx, userID, "verification-reminder", reminderMail)
}

// GiveUp marks the user as unverified, unless the user has verified the address. It returns
// when that was.
func (s *Store) GiveUp(ctx context.Context, userID string) (verifiedAt time.Time, err error) {
	_, err = s.db.ExecContext(ctx, "UPDATE users SET status = $2 WHERE id = $1 AND verified_at = 0", userID, StatusUnverified)
	if err != nil {
		return time.Time{}, err
	}
	user, err := s.User(ctx, userID)
	return user.VerifiedAt, err
}

// CreateProfile marks the user as verified, and creates the profile in the same transaction.
func (s *Store) CreateProfile(ctx context.Context, userID string) error {
	return database.Tx(ctx, s.db, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE users SET status = $2 WHERE id = $1", userID, StatusVerified)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO profiles (user_id, interest)
			SELECT id, interest FROM users WHERE id = $1 ON CONFLICT DO NOTHING`, userID)
		return err
	})
}

// Mail sends a mail to a user, once for each name of a mail.
func (s *Store) Mail(ctx context.Context, userID, mail string, body text) error {
	user, err := s.User(ctx, userID)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, `INSERT INTO user_mails (user_id, mail, number, recipient, body)
		SELECT $1, $2, count(*) + 1, $3, $4 FROM user_mails WHERE user_id = $1 ON CONFLICT DO NOTHING`,
		userID, mail, user.Email, body(user))
	return err
}

// Mails returns the texts of the mails to a user, in their order.
func (s *Store) Mails(ctx context.Context, userID string) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT body FROM user_mails WHERE user_id = $1 ORDER BY number, mail", userID)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err has its error
	mails := []string{}
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		mails = append(mails, body)
	}
	return mails, rows.Err()
}

// find returns the user with an ID or a token.
func (s *Store) find(ctx context.Context, id, token string) (User, error) {
	var u User
	var verifiedAt int64
	row := s.db.QueryRowContext(ctx, `SELECT id, email, name, interest, status, token, verified_at
		FROM users WHERE id = $1 OR token = $2`, id, token)
	err := row.Scan(&u.ID, &u.Email, &u.Name, &u.Interest, &u.Status, &u.token, &verifiedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return User{}, ErrNoUser
	}
	if verifiedAt != 0 {
		u.VerifiedAt = time.UnixMilli(verifiedAt).UTC()
	}
	return u, err
}
