package snippets

import inngestkit "github.com/inngestkit/inngestkit/core"

type Order struct{ ID string }

var checkout inngestkit.TypedFunction[Order, string]
