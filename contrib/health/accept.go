package inngesthealth

import (
	"mime"
	"strconv"
	"strings"
)

// prefersHTML reports whether a client names HTML among what it takes, and likes JSON
// no better. Only browsers do; what takes everything gets JSON.
func prefersHTML(accept []string) bool {
	html, json := 0.0, 0.0
	for element := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		mediaType, params, err := mime.ParseMediaType(element)
		if err != nil {
			continue
		}
		q, err := strconv.ParseFloat(params["q"], 64)
		if err != nil {
			q = 1
		}
		switch mediaType {
		case "text/html":
			html = q
		case "application/json":
			json = q
		}
	}
	return html > 0 && html >= json
}
