package snippets

import inngestkit "github.com/inngestkit/inngestkit/core"

type UserCreated struct {
	Email string `json:"email"`
}

var userCreated = inngestkit.DefineEvent[UserCreated]("user.created")
