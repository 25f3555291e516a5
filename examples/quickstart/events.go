package main

import inngestkit "github.com/inngestkit/inngestkit/core"

// The events of this application. An event has a name, and data of one Go type. The
// compiler checks the code that sends it, waits for it or handles it.
var (
	userCreated   = inngestkit.DefineEvent[UserCreated]("user.created")
	emailVerified = inngestkit.DefineEvent[EmailVerified]("user.email-verified")
	userActivated = inngestkit.DefineEvent[UserActivated]("user.activated")
)

// UserCreated is the data of the event sent when a user has signed up.
type UserCreated struct {
	UserID string `json:"userId"`
	Email  string `json:"email"`
}

// EmailVerified is the data of the event sent when a user has clicked the link in the
// welcome mail.
type EmailVerified struct {
	UserID string `json:"userId"`
}

// UserActivated is the data of the event sent when a user is welcomed and verified.
type UserActivated struct {
	UserID string `json:"userId"`
}
