package limits

import "strconv"

// joinKey makes one key of several texts. Different texts make different keys.
func joinKey(texts ...string) string {
	var joined []byte
	for _, text := range texts {
		joined = strconv.AppendQuote(joined, text)
	}
	return string(joined)
}
