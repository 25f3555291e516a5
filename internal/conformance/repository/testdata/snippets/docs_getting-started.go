package snippets

import inngestkit "github.com/inngestkit/inngestkit/core"

var in inngestkit.Input[UserCreated]
