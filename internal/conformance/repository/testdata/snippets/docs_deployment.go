package snippets

import inngestkit "github.com/inngestkit/inngestkit/core"

var functions []inngestkit.Function
