package main

import inngestkit "github.com/inngestkit/inngestkit/core"

// The events of this application. An event has a name, and data of one Go type;
// whoever sends it, waits for it or is triggered by it is checked by the compiler.
var (
	userCreated   = inngestkit.DefineEvent[UserCreated]("user.created")
	emailVerified = inngestkit.DefineEvent[EmailVerified]("user.email-verified")
	userActivated = inngestkit.DefineEvent[UserActivated]("user.activated")
)

// UserCreated says that somebody has signed up.
type UserCreated struct {
	UserID string `json:"userId"`
	Email  string `json:"email"`
}

// EmailVerified says that a user has clicked on the link in the welcome mail.
type EmailVerified struct {
	UserID string `json:"userId"`
}

// UserActivated says that a user is welcomed and verified.
type UserActivated struct {
	UserID string `json:"userId"`
}
