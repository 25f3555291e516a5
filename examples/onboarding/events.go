package main

import (
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// The events of this application.
var (
	userRegistered    = inngestkit.DefineEvent[Registered]("user.registered")
	emailVerified     = inngestkit.DefineEvent[Verified]("user.email-verified")
	userUnsubscribed  = inngestkit.DefineEvent[Unsubscribed]("user.unsubscribed")
	tipsScheduled     = inngestkit.DefineEvent[FollowUp]("user.schedule-tips-series")
	feedbackScheduled = inngestkit.DefineEvent[FollowUp]("user.schedule-feedback-request")
)

// Registered is the data of the event sent when a user has signed up. The address and the
// name are in the database: a mail goes to the address that the user has on its day.
type Registered struct {
	UserID string `json:"userId"`
}

// Verified is the data of the event sent when a user has followed the link in the mail.
type Verified struct {
	UserID     string    `json:"userId"`
	VerifiedAt time.Time `json:"verifiedAt"`
}

// Unsubscribed is the data of the event sent when a user wants no more tips.
type Unsubscribed struct {
	UserID string `json:"userId"`
}

// FollowUp is the data of the events that start what happens later.
type FollowUp struct {
	UserID string    `json:"userId"`
	Begins time.Time `json:"begins"`
}
