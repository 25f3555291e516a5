package snippets

import inngestkit "github.com/inngestkit/inngestkit/core"

func newApp() (*inngestkit.App, error) { return app, nil }
