package inngesthealth

import (
	"mime"
	"strconv"
	"strings"
)

// maxAccept is the number of bytes of an Accept header that are examined. Browsers send
// about 150.
const maxAccept = 2 << 10

// prefersHTML reports whether an Accept header lists text/html with at least the
// quality of JSON. Only browsers list it; a client that accepts anything (*/*) gets
// JSON.
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
			if q, err = strconv.ParseFloat(text, 64); err != nil || !(q >= 0 && q <= 1) { // also rejects NaN
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
