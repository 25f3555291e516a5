package inngestkit

import (
	"fmt"
	"net/http"
)

// unreached returns what to do when nothing listens at the URL of a server.
func (c Config) unreached(base string) string {
	if c.Dev {
		return fmt.Sprintf("is the dev server running at %s? Start it with npx inngest-cli@latest dev, "+
			"or compare BaseURL (INNGEST_BASE_URL)", redacted(base))
	}
	return fmt.Sprintf("does the Inngest server listen at %s? Compare BaseURL (INNGEST_BASE_URL)", redacted(base))
}

// isForeign reports whether an answer looks as if it came from something else than an
// Inngest server: those explain their refusals.
func isForeign(status int, explained bool) bool {
	return !explained && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed)
}

// foreign says that the server at a URL does not look like an Inngest server. The path
// must not hold the event key.
func foreign(base, request string, status int) string {
	return fmt.Sprintf("%s does not look like an Inngest server: %s answered %d %s; compare BaseURL (INNGEST_BASE_URL)",
		redacted(base), request, status, http.StatusText(status))
}

// notInngest says of an answer that it did not come from an Inngest server.
const notInngest = "the answer did not come from an Inngest server: it is not the JSON that one writes; " +
	"compare BaseURL (INNGEST_BASE_URL)"
