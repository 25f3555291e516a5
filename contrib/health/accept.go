package inngesthealth

import (
	"mime"
	"strconv"
	"strings"
)

// maxAccept is how much of an Accept header is looked at, in bytes; browsers send
// about 150.
const maxAccept = 2 << 10

// prefersHTML reports whether a client names HTML among what it takes, and likes JSON
// no better. Only browsers do; what takes everything gets JSON.
func prefersHTML(accept []string) bool {
	all := strings.Join(accept, ",")
	html, json, others := 0.0, -1.0, 0.0
	for element := range strings.SplitSeq(all[:min(len(all), maxAccept)], ",") {
		mediaType, params, err := mime.ParseMediaType(element)
		if err != nil {
			continue
		}
		q := 1.0
		if text, given := params["q"]; given {
			if q, err = strconv.ParseFloat(text, 64); err != nil || !(q >= 0 && q <= 1) { // no NaN
				continue
			}
		}
		switch mediaType {
		case "text/html":
			html = q
		case "application/json":
			json = q
		case "application/*", "*/*":
			others = max(others, q)
		}
	}
	if json < 0 {
		json = others
	}
	return html > 0 && html >= json
}
