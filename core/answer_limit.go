package inngestkit

import (
	"fmt"
	"net/http"
)

// maxCallAnswer is the size of an answer to a call above which the server fails
// the attempt and tries again, in vain: MaxSDKResponseBodySize in its pkg/consts,
// less what Connect puts around it. There the server would close the connection.
const maxCallAnswer = 8<<20 - 16<<10

// whyTooLarge says why the server would not take an answer, "" if it would. Results,
// inputs and errors of single steps have been looked at.
func whyTooLarge(status, size int) string {
	what := "the output of the function has"
	switch {
	case size <= maxCallAnswer || status >= http.StatusBadRequest:
		return ""
	case status == http.StatusPartialContent:
		what = "the steps of one call have together"
	}
	return fmt.Sprintf("%s %d bytes as JSON, and at most %d are taken; keep large data elsewhere and return a reference",
		what, size, maxCallAnswer)
}
